"""Every route of Prefect's API is either in the list of those that only read, or refused to viewers."""

import re
from collections.abc import Iterator

from towpath.orchestration.read_routes import READS, only_reads

PROGRAMS = re.compile(
    r"block_|collections/|csrf-token|admin/(settings|storage)|observed-states|ui/schemas|.*templates/validate"
)
"""Read, but not for viewers: passwords in blocks, the server's settings, what programs ask."""
CHANGES = re.compile(
    r"(bulk_)?(delete|set_state)|.*(create_flow_run(/bulk)?|resume|(pause|resume)_deployment|schedules?|input|reset"
    r"|(in|de)crement(-with-lease)?|renew|get_scheduled_flow_runs|get_runs|heartbeat|queues|bulk_.*|set_state)"
    r"|\w+|v2/concurrency_limits"
)


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of each route of Prefect's API, with `{}` for each parameter."""
    from prefect.server.api.server import API_ROUTERS

    for router in API_ROUTERS:
        for route in router.routes:
            path = re.sub(r"\{[^}]*\}", "{}", str(getattr(route, "path", "")).removeprefix("/"))
            for method in getattr(route, "methods", None) or {"WEBSOCKET"}:
                yield method, path


def test_each_route_that_a_viewer_may_ask_for_is_one_of_prefect_s() -> None:
    there = set(routes()) | {("GET", "health"), ("GET", "ready"), ("GET", "version")}
    listed = {(method, path) for method, paths in READS.items() for path in paths}
    assert listed - there == set()


def test_a_route_that_is_not_listed_changes_something_or_is_for_programs() -> None:
    """So a newer Prefect's routes are looked at by somebody."""
    listed = {(method, path) for method, paths in READS.items() for path in paths}
    for method, path in set(routes()) - listed:
        known = method in ("PATCH", "PUT", "DELETE") or PROGRAMS.match(path)
        known = known or (method == "POST" and CHANGES.fullmatch(path.rstrip("/")))
        known = known or (method == "WEBSOCKET" and not path.endswith("/out"))
        assert known, f"{method} {path}"


def test_what_is_listed_is_asked_by_methods_that_read() -> None:
    verbs = re.compile(
        r"(.*/)?(filter|count|paginate|history|lateness|counts|next-runs|concurrency_status"
        r"|count-(by/\{\}|deployments|task-runs))"
    )
    assert set(READS) == {"GET", "POST", "WEBSOCKET"}
    assert [path for path in READS["POST"] if not verbs.fullmatch(path)] == []


def test_ways_around_the_list() -> None:
    assert only_reads("GET", "/api/flows/x")
    for method, path in (
        ("GET", "/api"),
        ("GET", "/api/"),
        ("HEAD", "/api/flows/x"),
        ("DELETE", "/api/flows/x"),
        ("POST", "/api/flow_runs/filter/../"),
        ("POST", "/api/flow_runs/filter\n"),
        ("POST", "/api//flow_runs/filter"),
        ("POST", "/api/block_documents/filter"),
        ("GET", "/api/block_documents/x"),
        ("GET", "/api/block_types/slug/secret/block_documents"),
        ("GET", "/api/csrf-token"),
        ("POST", "/api/work_queues/x/get_runs"),
        ("POST", "/api/work_pools/x/get_scheduled_flow_runs"),
        ("POST", "/ui-settings"),
        ("WEBSOCKET", "/api/events/in"),
        ("WEBSOCKET", "/api/work_pools/x/workers/connect"),
        ("WEBSOCKET", "/"),
    ):
        assert not only_reads(method, path), (method, path)
