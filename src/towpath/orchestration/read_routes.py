"""Routes of Prefect's API that only read: what somebody who may look, and no more, may ask for. Pure.

Prefect reads by POST as well as by GET, so the method does not tell. A route that is not here is refused: one
that a newer Prefect adds, and those that read what is kept for programs: blocks may hold passwords, a work
queue's `get_runs` marks it as polled.
"""

import re

READS = {
    "GET": (
        "admin/version",
        "artifacts/{}",
        "artifacts/{}/latest",
        "automations/related-to/{}",
        "automations/{}",
        "concurrency_limits/tag/{}",
        "concurrency_limits/{}",
        "deployments/name/{}/{}",
        "deployments/{}",
        "deployments/{}/schedules",
        "deployments/{}/work_queue_check",
        "events/filter/next",
        "flow_run_states/",
        "flow_run_states/{}",
        "flow_runs/{}",
        "flow_runs/{}/graph",
        "flow_runs/{}/graph-v2",
        "flow_runs/{}/input/{}",
        "flow_runs/{}/logs/download",
        "flows/name/{}",
        "flows/{}",
        "health",
        "hello",
        "ready",
        "saved_searches/{}",
        "task_run_states/",
        "task_run_states/{}",
        "task_runs/{}",
        "ui/task_runs/{}",
        "v2/concurrency_limits/{}",
        "variables/name/{}",
        "variables/{}",
        "version",
        "work_pools/{}",
        "work_pools/{}/queues/{}",
        "work_queues/name/{}",
        "work_queues/{}",
        "work_queues/{}/status",
    ),
    "POST": (
        "artifacts/count",
        "artifacts/filter",
        "artifacts/latest/count",
        "artifacts/latest/filter",
        "automations/count",
        "automations/filter",
        "concurrency_limits/filter",
        "deployments/count",
        "deployments/filter",
        "deployments/paginate",
        "events/count-by/{}",
        "events/filter",
        "flow_runs/count",
        "flow_runs/filter",
        "flow_runs/history",
        "flow_runs/lateness",
        "flow_runs/paginate",
        "flow_runs/{}/input/filter",
        "flows/count",
        "flows/filter",
        "flows/paginate",
        "logs/filter",
        "saved_searches/filter",
        "task_runs/count",
        "task_runs/filter",
        "task_runs/history",
        "task_runs/paginate",
        "task_workers/filter",
        "ui/flow_runs/count-task-runs",
        "ui/flow_runs/history",
        "ui/flows/count-deployments",
        "ui/flows/next-runs",
        "ui/task_runs/count",
        "ui/task_runs/dashboard/counts",
        "v2/concurrency_limits/filter",
        "variables/count",
        "variables/filter",
        "work_pools/count",
        "work_pools/filter",
        "work_pools/{}/concurrency_status",
        "work_pools/{}/queues/filter",
        "work_pools/{}/workers/filter",
        "work_queues/filter",
        "work_queues/{}/concurrency_status",
    ),
    "WEBSOCKET": ("events/out", "logs/out"),
}
"""By method: routes below `/api/`, with `{}` for one part of the path."""


def only_reads(method: str, path: str) -> bool:
    """Whether a request changes nothing, and shows nothing that is kept for programs.

    All but `/api` is the UI: files.
    """
    if path != "/api" and not path.startswith("/api/"):
        return method in ("GET", "HEAD")
    return bool((known := _KNOWN.get(method)) and known.fullmatch(path.removeprefix("/api/")))


def _any_of(routes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(route).replace(r"\{\}", "[^/]+") for route in routes))


_KNOWN = {method: _any_of(routes) for method, routes in READS.items()}
