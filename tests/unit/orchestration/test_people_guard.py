"""What people may do who have signed in at the proxy; programs with the server's credential are not asked."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chart import example, needs_helm, pods, rendered
from towpath.orchestration.people_guard import PeopleGuard, mark_of, people_of

CREDENTIAL = "admin:secret"
HERE = "https://prefect.example.com"
PEOPLE = people_of(
    json.dumps({"origin": HERE, "groups": ["delivery", "Bäcker"], "viewers": ["developers"]}), CREDENTIAL
)
MARK = mark_of(CREDENTIAL)


def refusal(method: str, path: str, *groups: str, **headers: str) -> str:
    """Of a person of these groups, as the proxy names them."""
    value = ",".join(MARK + group for group in groups).encode()
    given = [(b"X-Towpath-Sso", b"people"), (b"X-Towpath-Groups", value)]
    given += [(name.encode(), text.encode()) for name, text in headers.items()]
    return PEOPLE.refusal(method, path, given)


def test_programs_are_not_asked() -> None:
    assert PEOPLE.refusal("DELETE", "/api/flows/x", [(b"authorization", b"Basic x")]) == ""


@pytest.mark.parametrize("groups", [("delivery",), ("developers", "delivery"), ("Bäcker",)])
def test_members_of_a_group_may_do_everything(groups: tuple[str, ...]) -> None:
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE", "WEBSOCKET"):
        assert refusal(method, "/api/block_documents/filter", *groups) == ""


def test_viewers_look() -> None:
    assert refusal("POST", "/api/flow_runs/filter", "developers") == ""
    assert refusal("GET", "/dashboard", "developers") == ""
    for method, path in (("POST", "/api/flow_runs/"), ("POST", "/api/block_documents/filter"), ("POST", "/")):
        assert refusal(method, path, "developers") == "Your groups may look, and change nothing."


@pytest.mark.parametrize(
    "groups",
    [
        (),
        ("",),
        ("others",),
        ("x,delivery",),
        ("x, delivery",),
        ("Delivery",),
        ("delivery ",),
        ("delivery/x",),
    ],
)
def test_others_see_nothing(groups: tuple[str, ...]) -> None:
    assert refusal("GET", "/", *groups) == "None of your groups may see this server."


def test_groups_without_the_mark_of_the_proxy_do_not_count() -> None:
    for value in (b"delivery", b"MARK:delivery", mark_of("admin:other").encode() + b"delivery"):
        headers = [(b"x-towpath-sso", b""), (b"x-towpath-groups", value)]
        assert PEOPLE.refusal("GET", "/", headers) == "None of your groups may see this server."


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://prefect.example.com", ""])
def test_a_page_of_another_site_sends_nothing_in_a_person_s_name(origin: str) -> None:
    said = refusal("POST", "/api/flow_runs/filter", "delivery", origin=origin)
    assert said == "A page of another site has sent this."
    assert refusal("POST", "/api/flow_runs/filter", "delivery", origin=HERE.upper()) == ""


def test_a_refusal_is_an_answer() -> None:
    sent: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "reached"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"x-towpath-sso", b"people")]
    for scope in (
        {"type": "http", "method": "GET", "path": "/", "headers": headers},
        {"type": "websocket", "path": "/api/events/out", "headers": headers},
        {"type": "http", "method": "GET", "path": "/", "headers": []},
        {"type": "lifespan"},
    ):
        asyncio.run(PeopleGuard(app, PEOPLE)(scope, receive, send))
    start, body, closed, *reached = sent
    assert (start["status"], json.loads(body["body"])) == (
        403,
        {"detail": "None of your groups may see this server."},
    )
    assert closed == {"type": "websocket.close", "code": 1008}
    assert reached == [{"type": "reached"}] * 2


@needs_helm
def test_the_chart_makes_the_same_mark_and_tells_the_server_who_may_what(tmp_path: Path) -> None:
    """A group that looks like the mark's place in the file stays as it is."""
    found = pods(rendered(example("sso"), {"sso.viewers": ["MARK:x", "prefix: 'MARK:y"]}))
    (begin,) = found["towpath-sso"]["initContainers"]
    (tmp_path / "file").mkdir()
    text = "- MARK:x\n    prefix: 'MARK:'\n- 'prefix: ''MARK:y'\n"
    (tmp_path / "file/proxy.yaml").write_text(text)
    script = (
        begin["command"][-1].replace("/run/towpath", str(tmp_path)).replace("/etc/towpath/sso", str(tmp_path))
    )
    subprocess.run(
        ["sh", "-euc", script], env={"CREDENTIAL": CREDENTIAL, "PATH": "/usr/bin:/bin"}, check=True
    )
    assert (tmp_path / "authorization").read_text() == "Basic YWRtaW46c2VjcmV0"
    assert (tmp_path / "proxy.yaml").read_text() == text.replace("    prefix: 'MARK:", f"    prefix: '{MARK}")
    (server,) = found["towpath-server"]["containers"]
    (told,) = [each["value"] for each in server["env"] if each["name"] == "TOWPATH_SERVER_PEOPLE"]
    people = people_of(told, CREDENTIAL)
    assert people.origin == HERE
    assert people.groups == {"delivery", "on-call"}
    assert people.viewers == {"MARK:x", "prefix: 'MARK:y"}
