"""Logs of containers, as a real HTTP server sends them: in chunks, with pauses, and broken off."""

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from towpath.adapters.kubernetes import ApiAwayError, ApiRefusedError, Cluster, LogQuery
from towpath.adapters.kubernetes.workloads import LONGEST_LINE

Part = bytes | float
"""A chunk, or seconds of silence."""


class LogServer:
    """Sends one log; `whole`: with its end, else the connection breaks off."""

    def __init__(self, *parts: Part, status: int = 200, whole: bool = True) -> None:
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:  # noqa: N805
                self.asked.append(handler.path)
                handler.send_response(status)
                handler.send_header("Transfer-Encoding", "chunked")
                handler.end_headers()
                for part in parts:
                    if isinstance(part, bytes):
                        handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                        handler.wfile.flush()
                    else:
                        time.sleep(part)
                if whole:
                    handler.wfile.write(b"0\r\n\r\n")
                handler.close_connection = True

            def log_message(handler, *_: object) -> None:  # noqa: N805
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def cluster(self) -> Cluster:
        return Cluster(f"http://127.0.0.1:{self.server.server_port}", urllib3.PoolManager())


@pytest.fixture
def serve() -> Iterator[Callable[..., LogServer]]:
    servers: list[LogServer] = []

    def start(*parts: Part, **options: object) -> LogServer:
        servers.append(LogServer(*parts, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for each in servers:
        each.server.shutdown()
        each.server.server_close()


ALL = LogQuery()


def lines(server: LogServer, query: LogQuery = ALL, timeout: float | None = None) -> Iterator[str]:
    return server.cluster.pod_log("dev", "web-1", "web", query, timeout=timeout)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"on", b"e\nt", b"wo\n"), ["one", "two"]),
        ((b"no end",), ["no end"]),
        ((), []),
        ((b"\n\n",), ["", ""]),
        ((b"caf\xc3", b"\xa9\n\xff\n"), ["café", "\ufffd"]),
        ((b"x" * LONGEST_LINE, b"yz\n"), ["x" * LONGEST_LINE + "yz"]),
    ],
)
def test_lines_come_whole_however_they_are_sent(
    serve: Callable[..., LogServer], parts: tuple[bytes, ...], expected: list[str]
) -> None:
    assert list(lines(serve(*parts))) == expected


def test_a_line_comes_when_it_is_written_and_not_when_the_log_ends(serve: Callable[..., LogServer]) -> None:
    begun = time.monotonic()
    found = lines(serve(b"now\n", 60.0, b"later\n"), LogQuery(follow=True))
    assert next(found) == "now"
    assert time.monotonic() - begun < 30


def test_a_line_without_end_does_not_fill_the_memory(serve: Callable[..., LogServer]) -> None:
    found = list(lines(serve(*[b"x" * LONGEST_LINE] * 4)))
    assert sum(map(len, found)) == 4 * LONGEST_LINE
    assert max(map(len, found)) <= 2 * LONGEST_LINE


def test_silence_ends_it_after_the_timeout(serve: Callable[..., LogServer]) -> None:
    begun = time.monotonic()
    assert list(lines(serve(b"one\n", 60.0, b"two\n"), LogQuery(follow=True), timeout=0.3)) == ["one"]
    assert time.monotonic() - begun < 30


def test_a_connection_that_breaks_off_is_told_after_the_lines_before(serve: Callable[..., LogServer]) -> None:
    found = lines(serve(b"one\n", whole=False))
    assert next(found) == "one"
    with pytest.raises(ApiAwayError):
        next(found)


def test_what_is_wanted_is_asked_as_the_api_has_it(serve: Callable[..., LogServer]) -> None:
    server = serve()
    wanted = LogQuery(tail=5, since=90, previous=True, timestamps=True)
    list(lines(server, wanted))
    list(lines(server, LogQuery(since_time="2026-01-01T00:00:00Z", follow=True)))
    first, second = (urlsplit(each) for each in server.asked)
    assert first.path == "/api/v1/namespaces/dev/pods/web-1/log"
    assert parse_qs(first.query) == {
        "container": ["web"], "tailLines": ["5"], "sinceSeconds": ["90"], "previous": ["true"],
        "timestamps": ["true"],
    }  # fmt: skip
    assert parse_qs(second.query)["sinceTime"] == ["2026-01-01T00:00:00Z"]


def test_a_log_that_is_not_there_is_refused_with_the_servers_reason(serve: Callable[..., LogServer]) -> None:
    refused = serve(b'{"message": "container is waiting to start"}', status=400)
    with pytest.raises(ApiRefusedError, match="waiting to start"):
        list(lines(refused))
