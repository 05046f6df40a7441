"""The few addresses of a Prefect server that verbs ask, with flow runs in memory behind real HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FLOWS = ("deliver", "promote", "rollback", "reconcile")


@dataclass
class PrefectServer:
    """`runs`: every flow run by its id; `tables`: rows of artifacts by key; `started`: what was asked."""

    url: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    started: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, run: str, flow: str, name: str, kind: str, *, app: str, minute: int = 0) -> None:
        at = f"2026-01-01T00:{minute:02}:00Z"
        self.runs[run] = {
            "id": run,
            "name": name,
            "flow_id": flow,
            "parameters": {"app": app},
            "tags": [f"app:{app}"],
            "created": at,
            "expected_start_time": at,
            "state": {"type": kind, "name": kind.capitalize(), "timestamp": at},
        }

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        kind, _, rest = path.removeprefix("/api/").partition("/")
        if path == "/api/health":
            return 200, True
        if path == "/api/flow_runs/filter":
            return 200, self._filtered(body)
        if kind == "deployments" and rest.startswith("name/"):
            return 200, {"id": rest.rpartition("/")[2]}
        if kind == "deployments" and rest.endswith("/create_flow_run"):
            return 201, self._start(rest.partition("/")[0], body)
        if kind == "artifacts":
            (key,) = body["artifacts"]["key"]["any_"]
            found = self.tables.get(key)
            return 200, [{"data": json.dumps(found), "updated": "2026-01-01T00:00:00Z"}] if found else []
        if path.endswith("/filter"):
            return 200, []
        if kind == "flows":
            return 200, {"name": rest}
        return (200, self.runs[rest]) if rest in self.runs else (404, {})

    def _start(self, deployment: str, body: dict[str, Any]) -> dict[str, Any]:
        self.started.append((deployment, body))
        run = f"{len(self.started):08}-0000-4000-8000-000000000000"
        self.add(run, deployment.partition("-")[0], body["name"], "COMPLETED", app="")
        self.runs[run] |= {"parameters": body["parameters"], "tags": body["tags"]}
        return self.runs[run]

    def _filtered(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = body["flow_runs"]
        found = sorted(self.runs.values(), key=lambda run: run["created"], reverse=True)
        flows = body.get("flows", {"name": {"any_": FLOWS}})["name"]["any_"]
        kinds = wanted.get("state", {}).get("type", {}).get("any_")
        tags = set(wanted.get("tags", {}).get("all_", ()))
        before = wanted.get("expected_start_time", {}).get("before_", "9999")
        if "idempotency_key" in wanted:
            return []
        chosen = [
            run
            for run in found
            if run["flow_id"] in flows
            and (kinds is None or run["state"]["type"] in kinds)
            and tags <= set(run["tags"])
            and run["expected_start_time"] < before
        ]
        return chosen[: body["limit"]]


@contextmanager
def prefect_server() -> Iterator[PrefectServer]:
    """One on a free port of this machine."""
    served = PrefectServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = served.answer(self.command, self.path, json.loads(text or b"null"))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
