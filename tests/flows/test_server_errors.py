"""A Prefect server that answers with errors for a while fails no run; a real one, behind a door."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.runs.lock import environment_lock
from tasks.runs.report import read_table, write_table
from tasks.runs.step import step, towpath_flow
from towpath.errors import TransientError
from towpath.orchestration.execution import lease
from towpath.orchestration.keys import lock_name


@contextmanager
def door(refused: str, times: int) -> Iterator[list[str]]:
    """The server behind a door that answers 503 to the first so many requests for a path with `refused`.

    Yields the paths that it refused.
    """
    with get_client(sync_client=True) as client:
        real = str(client.api_url).rstrip("/")
    told: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if refused in self.path and len(told) < times:
                told.append(self.path)
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            skipped = ("host", "connection", "content-length", "accept-encoding")
            headers = {key: value for key, value in self.headers.items() if key.lower() not in skipped}
            url = real.removesuffix("/api") + self.path
            answer = httpx.request(self.command, url, content=body, headers=headers, timeout=60)
            self.send_response(answer.status_code)
            for key, value in answer.headers.items():
                if key.lower() in ("content-type", "retry-after"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    changed = {
        PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api",
        PREFECT_CLIENT_MAX_RETRIES: 0,
    }
    try:
        with temporary_settings(changed):
            yield told
    finally:
        server.shutdown()
        server.server_close()


def make_lock(name: str) -> None:
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(lock_name(name), 1)


def test_a_lock_is_asked_for_again(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "PAUSE", 0.1)
    make_lock("busy-door")
    held = False
    with door("increment-with-lease", 3) as refused, environment_lock("busy-door"):
        held = True
    assert (held, len(refused)) == (True, 3)


def test_a_lock_is_not_asked_for_without_end(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "PAUSE", 0.1)
    monkeypatch.setattr(lease, "OVERLOADED", 5.0)
    make_lock("shut-door")
    with (
        door("increment-with-lease", 1_000) as refused,
        pytest.raises(TransientError, match="could not give the lock of environment shut-door"),
        environment_lock("shut-door"),
    ):
        pass
    assert len(refused) > 1


@step("keep a table")
def keep() -> str:
    write_table("overload-table", [{"app": "hello"}], "A table")
    return str(read_table("overload-table").rows[0]["app"])


@towpath_flow
def keeps() -> str:
    return f"kept {keep()}"


@pytest.mark.parametrize("refused", ["/artifacts/", "/filter"], ids=["written", "read"])
def test_a_table_is_written_and_read_again(prefect_server: None, refused: str) -> None:
    with door(refused, 1) as told:
        state = keeps(return_state=True)
    assert told
    assert (state.type.value, state.message) == ("COMPLETED", "kept hello")
