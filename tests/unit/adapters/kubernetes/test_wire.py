"""Against a real HTTP server that does not do as asked."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
import yaml

from towpath.adapters.kubernetes import ApiAwayError, TooDeepError
from towpath.adapters.kubernetes.wire import Request, Wire, json_body
from towpath.errors import SyncError, TransientError

Answer = tuple[int, dict[str, str], bytes] | None


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Wire, list[str]]]]:
    servers = []

    def start(*answers: Answer) -> tuple[Wire, list[str]]:
        left, seen = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(f"{self.command} {self.path}")
                answer = left.pop(0) if len(left) > 1 else left[0]
                if answer is None:
                    self.connection.close()
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Wire(f"http://127.0.0.1:{server.server_port}", urllib3.PoolManager()), seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ok(**content: object) -> Answer:
    return 200, {}, json.dumps(content).encode()


def busy(seconds: str) -> Answer:
    return 429, {"Retry-After": seconds}, b'{"message": "slow down"}'


def get(**more: object) -> Request:
    return Request(method="GET", path="/x", what="ask", **more)  # type: ignore[arg-type]


def test_busy_server_is_asked_again_after_its_time(serve) -> None:
    wire, seen = serve(busy("0.05"), busy("0.05"), ok(a=1))
    assert wire.json(get()) == {"a": 1}
    assert len(seen) == 3


def test_a_long_wait_is_left_to_the_caller(serve) -> None:
    wire, seen = serve(busy("120"))
    with pytest.raises(TransientError, match="slow down") as caught:
        wire.json(get())
    assert caught.value.retry_after == 120
    assert len(seen) == 1


def test_a_server_that_stays_busy_is_given_up(serve) -> None:
    wire, seen = serve(busy("0.01"))
    with pytest.raises(TransientError):
        wire.json(get())
    assert len(seen) == 6


def test_refusals_are_not_repeated(serve) -> None:
    wire, seen = serve((403, {}, b'{"message": "forbidden: no"}'))
    with pytest.raises(SyncError, match="ask: forbidden: no"):
        wire.json(get())
    assert len(seen) == 1


def test_broken_connection_is_tried_once_more_where_that_is_safe(serve) -> None:
    wire, seen = serve(None, ok(a=1))
    assert wire.json(get()) == {"a": 1}
    wire, seen = serve(None, ok(a=1))
    with pytest.raises(TransientError, match="cannot be reached"):
        wire.json(Request(method="POST", path="/x", what="create", content={}))
    assert seen == ["POST /x"]


def test_an_answer_that_is_no_json(serve) -> None:
    wire, _ = serve((200, {}, b"<html>"))
    with pytest.raises(TransientError, match="did not answer with JSON"):
        wire.json(get())


def test_a_server_that_takes_the_request_and_is_silent_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        wire = Wire(server, urllib3.PoolManager(), read_timeout=0.1)
        with pytest.raises(ApiAwayError, match=r"ask: the API server .* has not answered within \d+\.\d s"):
            wire.json(get())


@pytest.mark.parametrize(
    "text",
    [
        "🚀 shipped",
        "\U0001d11e",
        "\U0010ffff",
        "Grüße",
        "\u2028\u2029\x85",
        "\x00\x1f\x7f\x9f",
        "\ufffe",
        "\\ud83d\\ude80",
        '"\\"',
    ],
)
def test_a_body_is_json_and_yaml_alike(text: str) -> None:
    content = {"metadata": {"annotations": {text: text}}}
    body = json_body(content)
    assert json.loads(body) == content
    assert yaml.safe_load(body.decode()) == content
    assert not re.search(r"(?<!\\)(\\\\)*\\ud[89a-f]", body.decode()), "half a character, which YAML refuses"


def test_half_a_character_is_left_to_the_server() -> None:
    assert json_body(["\ud83d"]) == rb'["\ud83d"]'


def test_an_object_that_is_nested_too_deeply_is_told(serve: Callable[..., tuple[Wire, list[str]]]) -> None:
    wire, _ = serve((200, {}, b'{"items": %s}' % (b"[" * 20_000 + b"]" * 20_000)))
    with pytest.raises(TooDeepError, match="list widgets: an object is nested too deeply"):
        wire.json(Request(method="GET", path="/apis/example.org/v1/widgets", what="list widgets"))
