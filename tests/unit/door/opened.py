"""A door that listens on a real socket, and requests to it."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from tests.unit.door.issuer import AUDIENCE, COMMIT
from tests.unit.door.prefect_stand_in import StandIn
from towpath.config.machine_file import parse_machine_file
from towpath.door.app import Door
from towpath.door.door_file import DOOR_FILE, DoorFile
from towpath.door.gatekeeper import Gatekeeper
from towpath.door.gateway import Gateway
from towpath.door.rules import Rules
from towpath.door.serve import listen
from towpath.door.tokens import Tokens

HEAD = "apiVersion: towpath.dev/v1\n"
SECRET = "a-secret-of-the-tests-0123456789"
HOOK_SECRET = "another-secret-of-the-tests-4567"
LIMITS = "{requests: 100000, deliveries: 100000}"


def door_text(folder: Path, issuer_url: str, limits: str = LIMITS) -> str:
    """A door.yaml with everything: three forges, signed requests, tokens."""
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "hook").write_text(HOOK_SECRET)
    hook = f"secrets: [{{file: {folder}/hook}}]"
    return f"""{HEAD}limits: {limits}
issuers:
  actions: {{url: "{issuer_url}", audience: "{AUDIENCE}", kind: github}}
repositories:
  - name: acme/shop
    apps: [shop]
    branches: [main, "release/*"]
    tags: ["v*"]
    secrets: [{{file: {folder}/secret}}]
    tokens: [{{issuer: actions, claims: {{repository_id: "4711"}}}}]
    hook: {{forge: github, {hook}}}
  - {{name: acme/two, apps: [one, two], secrets: [{{file: {folder}/secret}}], hook: {{forge: gitea, {hook}}}}}
  - {{name: acme/web/site, apps: [site], hook: {{forge: gitlab, {hook}}}}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Opened:
    """A door at `port`."""

    port: int
    prefect: StandIn
    gatekeeper: Gatekeeper

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
            )
        finally:
            connection.close()

    def signed(self, body: Mapping[str, Any] | bytes, **options: Any) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/deliver", content, signature(content, **options))

    def with_token(self, token: str, body: bytes = b"", **headers: str) -> Answer:
        given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return self.ask("POST", "/deliver", body, given)


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None, **more: str) -> dict[str, str]:
    """The headers of a signed request."""
    timestamp = str(int(time.time() if at is None else at))
    made = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Towpath-Timestamp": timestamp,
        "X-Towpath-Signature": f"sha256={made}",
        **more,
    }


def asking(**changed: Any) -> dict[str, Any]:
    """The body of a request for the newest commit of acme/shop."""
    found = {
        "repository": "acme/shop",
        "ref": "refs/heads/main",
        "commit": COMMIT,
        "nonce": str(time.time_ns()),
    }
    return {name: value for name, value in {**found, **changed}.items() if value is not None}


@contextmanager
def opened(text: str, prefect: StandIn) -> Iterator[Opened]:
    """The real application, served by uvicorn on a free port of this machine."""
    file = parse_machine_file(text, DOOR_FILE, DoorFile)
    rules = Rules.of(file)
    gateway = Gateway(prefect.url, file.ui)
    gatekeeper = Gatekeeper(rules, Tokens(rules))
    door = Door(gatekeeper, gateway, file.limits)
    listening = listen("127.0.0.1:0")
    config = uvicorn.Config(door.application(), log_config=None, lifespan="off", http="h11")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Opened(listening.getsockname()[1], prefect, gatekeeper)
    finally:
        server.should_exit = True
        thread.join(10)
        gateway.close()
