"""What a watcher makes of a Prefect server's answers, and of one that is away."""

import json
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.unit.adapters.answering import Answer, answering
from towpath.adapters.endpoint import Response, serve
from towpath.engine.watch.run_protocol import Unrecorded
from towpath.orchestration import in_process
from towpath.orchestration.execution.lease import is_held
from towpath.orchestration.execution.turn import turn
from towpath.orchestration.in_process import InProcessRuns

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def runs_of(url: str, cache: Path) -> InProcessRuns:
    return InProcessRuns(url, "dev", cache, lambda _: None)


@pytest.mark.parametrize(
    ("status", "text", "away"),
    [
        (200, b'{"active_slots": 0}', False),
        (404, b'{"detail": "Not Found"}', False),
        *((200, page, True) for page in (b"<html>back soon</html>", b"[]", b"{}", b"null")),
        (503, b"", True),
    ],
)
def test_only_the_servers_own_answer_counts(tmp_path: Path, status: int, text: bytes, away: bool) -> None:
    with answering([Answer(status, text, {})]) as server:
        assert runs_of(server.url, tmp_path).is_away() is away


GIVEN = {"lease_id": "6f3a2f5e-6f0e-4f0e-9d58-0f9f5f7ad0aa"}


@pytest.mark.parametrize(
    ("status", "text", "locked"),
    [
        (200, json.dumps(GIVEN | {"limits": [{"name": "environment-dev"}]}).encode(), True),
        (200, json.dumps(GIVEN | {"limits": []}).encode(), True),  # nobody made it: the run says so
        (423, b"", False),
        *((200, page, None) for page in (b"<html>back soon</html>", b"[]", b"{}", b"null")),
        (503, b"", None),
    ],
)
def test_the_lock_is_held_where_the_server_gave_it_and_given_back(
    tmp_path: Path, status: int, text: bytes, locked: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[UUID] = []
    client = SimpleNamespace(release_concurrency_slots_with_lease=given_back.append)
    monkeypatch.setattr(in_process, "get_client", lambda **_: client)
    with answering([Answer(status, text, {})]) as server:
        runs = runs_of(server.url, tmp_path)
        with runs.locked() as mine:
            assert mine is locked
            is_given = b"environment-dev" in text
            assert is_held("environment-dev") is is_given
            assert not given_back
    assert [str(each) for each in given_back] == ([GIVEN["lease_id"]] if is_given else [])
    assert not is_held("environment-dev")


def test_a_server_that_is_too_busy_to_give_the_lock_is_not_away(tmp_path: Path) -> None:
    with answering([Answer(503, b"", {}), Answer(200, b'{"active_slots": 0}', {})]) as server:
        with runs_of(server.url, tmp_path).locked() as locked:
            assert locked is False
        assert [each.method for each in server.requests] == ["POST", "GET"]


def test_a_server_that_has_lost_one_request_is_not_away(tmp_path: Path) -> None:
    broken_off = Answer(200, b"{", {}, length=99)
    with answering([broken_off, Answer(200, b'{"active_slots": 0}', {})]) as server:
        with runs_of(server.url, tmp_path).locked() as locked:
            assert locked is False
        assert [each.method for each in server.requests] == ["POST", "GET"]


def test_a_run_of_this_machine_that_asks_for_the_lock_comes_first(tmp_path: Path) -> None:
    with turn(tmp_path, "environment-dev") as mine, answering([]) as server:
        assert mine()
        with runs_of(server.url, tmp_path).locked() as locked:
            assert locked is False
    assert not server.requests


def nobody() -> str:
    """The API of a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


@pytest.mark.parametrize(
    "answer", [None, Response("", 503), Response("<html>back soon</html>"), Response("{}", 404)]
)
def test_a_server_that_is_away_at_the_start_or_later_ends_nothing(
    answer: Response | None, tmp_path: Path
) -> None:
    pages = {"/api/hello": lambda: answer, "/api/admin/version": lambda: answer}
    server = serve("127.0.0.1:0", pages) if answer else None  # type: ignore[arg-type]
    url = f"http://127.0.0.1:{server.server_address[1]}/api" if server else nobody()
    said: list[str] = []
    runs = InProcessRuns(url, "dev", tmp_path, said.append)
    try:
        with temporary_settings({PREFECT_API_URL: url}), runs.warm():
            ended = runs.run(["hello"])
            assert ended is None or (ended.failed and ended.again)
            assert not runs.record(Unrecorded(("hello",), NOW, NOW, "in sync", failed=False))
            assert runs.health() is None
            assert runs.last_success() is None
            runs.abandon("the test is over")
    finally:
        if server:
            server.shutdown()
            server.server_close()
    assert said == []


@pytest.mark.parametrize(
    ("setting", "value", "sent"),
    [
        ("PREFECT_API_AUTH_STRING", "admin:a-pass", "Basic YWRtaW46YS1wYXNz"),
        ("PREFECT_API_KEY", "pnu_a-key", "Bearer pnu_a-key"),
    ],
)
def test_a_server_that_asks_for_credentials_gets_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str, sent: str
) -> None:
    for name in ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(setting, value)
    texts = (b'{"active_slots": 1}', b'{"data": "[{\\"app\\": \\"hello\\", \\"health\\": \\"Healthy\\"}]"}')
    answers = [Answer(200, text, {}) for text in texts]
    with answering(answers) as server:
        runs = runs_of(server.url, tmp_path)
        assert not runs.is_away()
        assert runs.health() == {"hello": "Healthy"}
    assert [each.headers["Authorization"] for each in server.requests] == [sent, sent]


def test_a_run_that_is_being_created_when_the_process_ends_is_abandoned_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, answered, told = threading.Event(), threading.Event(), threading.Event()
    crashed: list[str] = []
    runs = runs_of(nobody(), tmp_path)
    made = SimpleNamespace(id=uuid4())

    def create(*_: object) -> SimpleNamespace:
        asked.set()
        assert answered.wait(30)
        return made

    class Client:
        def __enter__(self) -> "Client":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def set_flow_run_state(self, run: UUID, state: "State[object]", **_: object) -> None:
            crashed.append(f"{run} {state.type.value}")
            told.set()

    monkeypatch.setattr(runs, "_load", lambda: None)
    monkeypatch.setattr(runs, "_create", create)
    monkeypatch.setattr(in_process, "get_client", lambda **_: Client())
    monkeypatch.setattr(in_process, "beat", lambda *_: told.wait(30))  # it is under way
    running = threading.Thread(target=runs.run, args=(["hello"],))
    running.start()
    assert asked.wait(30)
    ending = threading.Thread(target=runs.abandon, args=("the test is over",))
    ending.start()
    answered.set()
    for thread in (ending, running):
        thread.join(60)
    assert f"{made.id} CRASHED" in crashed
    assert runs.run(["hello"]) is None  # and none is begun any more
