"""The few addresses of a Prefect server that the door asks, with its idempotency keys."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FLOWS = {"f-deliver": "deliver", "f-promote": "promote"}


@dataclass
class StandIn:
    """`runs`: every flow run by its id. `broken`: it answers 500 to everything.

    `lost`: so many next runs are made, and the answer is lost.
    """

    url: str
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, str] = field(default_factory=dict)
    broken: bool = False
    lost: int = 0

    def create(self, flow: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = body["idempotency_key"]
        if key in self.by_key:
            return 200, self.runs[self.by_key[key]]
        run = str(uuid.uuid4())
        self.by_key[key] = run
        self.runs[run] = {
            "id": run,
            "name": body.get("name", ""),
            "flow_id": flow,
            "parameters": body.get("parameters", {}),
            "tags": body.get("tags", []),
            "labels": body.get("labels", {}),
            "state": {"type": "SCHEDULED", "name": "Scheduled"},
        }
        self.lost -= 1
        return 503 if self.lost >= 0 else 201, self.runs[run]

    def set_state(self, run: str, kind: str, name: str = "") -> None:
        self.runs[run]["state"] = {"type": kind, "name": name or kind.capitalize(), "message": "secret words"}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.broken:
            return 500, {}
        if path == "/api/health":
            return 200, True
        if path == "/api/deployments/name/deliver/deliver":
            return 200, {"id": "d-deliver"}
        if path == "/api/deployments/d-deliver/create_flow_run":
            return self.create("f-deliver", body)
        if path == "/api/deployments/filter":
            flow = body["flows"]["name"]["any_"][0]
            return 200, [{"name": {"deliver": "deliver", "promote": "promote-dev"}[flow]}]
        if path == "/api/flow_runs/filter":
            keys = body["flow_runs"]["idempotency_key"]["any_"]
            return 200, [self.runs[self.by_key[key]] for key in keys if key in self.by_key]
        kind, _, name = path.removeprefix("/api/").partition("/")
        known = {"flow_runs": self.runs, "flows": {name: {"name": flow} for name, flow in FLOWS.items()}}
        found = known.get(kind, {}).get(name)
        return (200, found) if found and method == "GET" else (404, {})


@contextmanager
def prefect_stand_in() -> Iterator[StandIn]:
    """A server on a free port of this machine."""
    stand_in = StandIn("")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                status, content = stand_in.answer(self.command, self.path, json.loads(text or b"null"))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_port}/api"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield stand_in
    finally:
        server.shutdown()
