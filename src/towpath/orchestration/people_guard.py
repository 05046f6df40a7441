"""What people may do who have signed in at a proxy in front of the Prefect server, by their groups.

The proxy sends the server's credential with whatever it lets through, and two headers of its own, whose
values from outside it drops: one says that a person asks, one has the person's groups. Each group begins with
a mark that only proxy and server can know, so that no name of a group, with a comma in it, makes two.
A request without the first header comes from a program that has the credential, and is as free as ever.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towpath.orchestration.asgi import App, Scope, refuse
from towpath.orchestration.read_routes import only_reads

VARIABLE = "TOWPATH_SERVER_PEOPLE"
"""JSON: `origin` at which people open the UI, `groups` that may do everything, `viewers` that may look."""
PERSON = b"x-towpath-sso"
GROUPS = b"x-towpath-groups"


@dataclass(frozen=True, slots=True)
class People:
    """Who may do what; `mark` begins each group that the proxy names."""

    origin: str
    groups: frozenset[str]
    viewers: frozenset[str]
    mark: str

    def refusal(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Why a request is refused; empty when it is not."""
        found = [(name.lower(), value.decode("latin-1")) for name, value in headers]
        if all(name != PERSON for name, _ in found):
            return ""
        if any(name == b"origin" and value.lower() != self.origin for name, value in found):
            return "A page of another site has sent this."
        named = [part for name, value in found if name == GROUPS for part in value.split(",")]
        member = {_text(part.removeprefix(self.mark)) for part in named if part.startswith(self.mark)}
        if member & self.groups:
            return ""
        if not member & self.viewers:
            return "None of your groups may see this server."
        return "" if only_reads(method, path) else "Your groups may look, and change nothing."


def people_of(text: str, credential: str) -> People:
    """From the text of VARIABLE and the server's credential."""
    said = json.loads(text)
    return People(
        said["origin"].lower(), frozenset(said["groups"]), frozenset(said["viewers"]), mark_of(credential)
    )


def mark_of(credential: str) -> str:
    """The chart's init container makes the same one."""
    return hashlib.sha256(credential.encode()).hexdigest()[:32] + ":"


class PeopleGuard:
    """An ASGI application before another one. Refuses with 403 what `people` refuse."""

    def __init__(self, app: App, people: People) -> None:
        self._app, self._people = app, people

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
        refusal = self._people.refusal(method, scope["path"], scope["headers"])
        if not refusal:
            await self._app(scope, receive, send)
            return
        body = json.dumps({"detail": refusal}).encode()
        await refuse(scope, receive, send, body=body, content_type="application/json")


def _text(value: str) -> str:
    """A header's bytes are UTF-8 where a group's name is not ASCII."""
    return value.encode("latin-1").decode("utf-8", "replace")
