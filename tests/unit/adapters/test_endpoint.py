"""Probes, metrics and notifications over real HTTP."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from towpath.adapters.endpoint import MAX_BODY, Notice, Response, serve
from towpath.errors import MissingPartError


class Running:
    def __init__(self, token: str | None = "secret") -> None:
        self.told: list[int] = []
        self.standby = ""
        notice = (
            Notice("/notify", token, lambda: self.told.append(1), lambda: self.standby) if token else None
        )
        self.server = serve("127.0.0.1:0", {"/healthz": lambda: Response("ok\n")}, notice)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self.server.server_address[:2], timeout=10)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.server.shutdown()


def test_pages_answer_and_nothing_else_does(running: Running) -> None:
    assert running.ask("GET", "/healthz?full=1") == (200, "ok\n")
    assert running.ask("GET", "/")[0] == 404
    assert running.ask("GET", "/../etc/passwd")[0] == 404
    assert running.ask("PUT", "/healthz")[0] == 501


def test_a_notice_needs_the_token(running: Running) -> None:
    for given in ("", "secret", "Bearer", "Bearer wrong", "Bearer secretsecret", "Basic secret"):
        assert running.ask("POST", "/notify", Authorization=given)[0] == 401
    assert running.ask("POST", "/elsewhere", Authorization="Bearer secret")[0] == 404
    assert running.ask("GET", "/notify", Authorization="Bearer secret")[0] == 404
    assert running.told == []
    assert running.ask("POST", "/notify", b'{"ref": "x"}', Authorization="Bearer secret")[0] == 202
    assert running.told == [1]


def test_who_cannot_take_a_notice_now_says_why(running: Running) -> None:
    running.standby = "standby: Lease a/b is held by c"
    assert running.ask("POST", "/notify", Authorization="Bearer wrong")[0] == 401
    assert running.ask("POST", "/notify", Authorization="Bearer secret") == (503, f"{running.standby}\n")
    assert running.told == []


def test_without_a_token_there_is_no_notice() -> None:
    made = Running(token=None)
    assert made.ask("POST", "/notify", Authorization="Bearer ")[0] == 404
    made.server.shutdown()


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "-1", "many"])
def test_bodies_are_bounded(running: Running, length: str) -> None:
    headers = {"Authorization": "Bearer secret", "Content-Length": length}
    assert running.ask("POST", "/notify", **headers)[0] == 413
    assert running.told == []


def test_a_client_that_says_nothing_stops_nobody(running: Running) -> None:
    silent = [socket.create_connection(running.server.server_address[:2]) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: running.ask("GET", "/healthz")[0], range(20))) == {200}
    for each in silent:
        each.close()


def test_it_listens_on_loopback_only_when_no_host_is_named() -> None:
    server = serve(":0", {})
    assert server.server_address[0] == "127.0.0.1"
    server.shutdown()


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:x", "nonsense", "192.0.2.1:0"])
def test_an_address_that_cannot_be_had_is_told(address: str) -> None:
    with pytest.raises(MissingPartError, match="cannot listen on"):
        serve(address, {})


def test_a_taken_port_is_told(running: Running) -> None:
    port = running.server.server_address[1]
    threads = threading.active_count()
    with pytest.raises(MissingPartError, match="in use"):
        serve(f"127.0.0.1:{port}", {})
    assert threading.active_count() == threads


def test_who_does_not_wait_for_the_answer_leaves_no_trace(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go, ended = threading.Event(), threading.Event(), threading.Event()

    def page() -> Response:
        asked.set()
        go.wait(10)
        return Response("x" * (1 << 24))

    server = serve("127.0.0.1:0", {"/slow": page})
    finish = server.shutdown_request

    def finished(request: socket.socket) -> None:
        finish(request)
        ended.set()

    monkeypatch.setattr(server, "shutdown_request", finished)
    try:
        with socket.create_connection(server.server_address[:2]) as client:
            client.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
            assert asked.wait(60)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        go.set()
        assert ended.wait(60)
    finally:
        server.shutdown()
    assert "Traceback" not in capfd.readouterr().err
