import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from towpath.adapters.kubernetes import ServiceAnswer
from towpath.config import Environment, SmokeCheck
from towpath.engine.verify.smoke import addressed, judge_answer, run_smoke_checks
from towpath.errors import TransientError

CHECK = SmokeCheck(service="hello", port=80, contains="hello v1")


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, b"<h1>hello v1</h1>", ""),
        (200, b"hello v2", "does not contain 'hello v1'"),
        (503, b"no endpoints", "answered 503, not 200 (12 bytes, not kept)"),
        (500, b"password=canary-1", "answered 500, not 200 (17 bytes, not kept)"),
        (404, b"\xff\xfe", "answered 404"),
    ],
)
def test_an_answer_is_judged(status: int, body: bytes, problem: str) -> None:
    said = judge_answer(CHECK, status, body)
    assert problem in said if problem else not said
    assert "canary-1" not in said


class Answers:
    """A proxy that gives the answers it was told."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)

    def service_proxy(
        self, namespace: str, service: str, port: int | str, path: str = "/", *, timeout: float = 10.0
    ) -> ServiceAnswer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ServiceAnswer(answer, b"hello v1", {}, 0.01)


def test_endpoints_that_lag_behind_are_waited_for() -> None:
    answers = Answers(503, TransientError("away"), 200)
    (result,) = run_smoke_checks(answers, "dev", [CHECK], time.monotonic() + 60)
    assert result.passed
    assert "answered 200" in str(result)


def test_it_is_not_asked_again_after_the_deadline() -> None:
    (result,) = run_smoke_checks(Answers(503), "dev", [CHECK], time.monotonic())
    assert not result.passed
    assert result.to_json()["problem"] == "answered 503, not 200 (8 bytes, not kept)"


@pytest.fixture
def address() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                time.sleep(0.3)
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(b"hello v1")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/", ""), ("/slow", "later than 0.1 s"), ("/moved", "answered 302, not 200")],
)
def test_a_url_is_asked_and_its_latency_judged(address: str, path: str, problem: str) -> None:
    check = SmokeCheck(url=address + path, contains="hello v1", latency=timedelta(seconds=0.1))
    (result,) = run_smoke_checks(Answers(), "dev", [check], time.monotonic())
    assert (problem in result.problem) if problem else result.passed, result.problem


def test_a_url_that_nobody_serves_fails_without_a_traceback() -> None:
    (result,) = run_smoke_checks(Answers(), "dev", [SmokeCheck(url="http://127.0.0.1:9/")], time.monotonic())
    assert "does not answer" in str(result)


def test_a_url_has_the_environment_in_it() -> None:
    check = SmokeCheck(url="https://{environment}.example.com/{namespace}")
    (done,) = addressed([check], Environment(name="prod", namespace="shop"), "web")
    assert done.url == "https://prod.example.com/shop"
