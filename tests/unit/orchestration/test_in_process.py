"""What a watcher makes of a Prefect server's answers, and of one that is away."""

import socket
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.unit.adapters.answering import Answer, answering
from towpath.adapters.endpoint import Response, serve
from towpath.engine.watch.run_protocol import Unrecorded
from towpath.orchestration import in_process
from towpath.orchestration.in_process import InProcessRuns

NOW = datetime(2026, 1, 1, tzinfo=UTC)

LIMIT = "/v2/concurrency_limits/environment-dev"


def busy(answer: Response) -> bool | None:
    server = serve("127.0.0.1:0", {LIMIT: lambda: answer})
    try:
        return InProcessRuns(f"http://127.0.0.1:{server.server_address[1]}", "dev", lambda _: None).busy()
    finally:
        server.shutdown()
        server.server_close()


def test_only_the_servers_own_answer_counts() -> None:
    assert busy(Response('{"active_slots": 1}')) is True
    assert busy(Response('{"active_slots": 0}')) is False
    for page in ("<html>back soon</html>", "[]", "{}", "null"):
        assert busy(Response(page)) is None
    assert busy(Response("", 503)) is None


def nobody() -> str:
    """The API of a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


@pytest.mark.parametrize(
    "answer", [None, Response("", 503), Response("<html>back soon</html>"), Response("{}", 404)]
)
def test_a_server_that_is_away_at_the_start_or_later_ends_nothing(answer: Response | None) -> None:
    pages = {"/api/hello": lambda: answer, "/api/admin/version": lambda: answer}
    server = serve("127.0.0.1:0", pages) if answer else None  # type: ignore[arg-type]
    url = f"http://127.0.0.1:{server.server_address[1]}/api" if server else nobody()
    said: list[str] = []
    runs = InProcessRuns(url, "dev", said.append)
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
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, sent: str
) -> None:
    for name in ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(setting, value)
    texts = (b'{"active_slots": 1}', b'{"data": "[{\\"app\\": \\"hello\\", \\"health\\": \\"Healthy\\"}]"}')
    answers = [Answer(200, text, {}) for text in texts]
    with answering(answers) as server:
        runs = InProcessRuns(server.url, "dev", lambda _: None)
        assert runs.busy() is True
        assert runs.health() == {"hello": "Healthy"}
    assert [each.headers["Authorization"] for each in server.requests] == [sent, sent]


def test_a_run_that_is_being_created_when_the_process_ends_is_abandoned_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answered, told = threading.Event(), threading.Event(), threading.Event()
    crashed: list[str] = []
    runs = InProcessRuns(nobody(), "dev", lambda _: None)
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
