"""Keeps web pages of others away from the Prefect API: known hosts only, and pages that it serves itself."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from towpath.orchestration.asgi import App, Scope, refuse

REFUSAL = b"This host or origin is not served here.\n"
VARIABLE = "TOWPATH_SERVER_ORIGINS"
"""Comma-separated origins at which the server's UI is opened, as `http://127.0.0.1:4200`; empty: no guard."""


class OriginGuard:
    """An ASGI application before another one. Refuses requests and WebSockets with 403.

    `Host` must be that of a known origin, so that a name which an attacker's DNS points here reaches nothing;
    `Origin`, which browsers add to whatever a page of another site sends, must be a known origin. Programs
    send no `Origin`.
    """

    def __init__(self, app: App, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.strip().rstrip("/").lower() for origin in origins if origin.strip())
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._origins)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket") or self._allows(scope["headers"]):
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, body=REFUSAL, content_type="text/plain; charset=utf-8")

    def _allows(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        found = [(name.lower(), value.decode("latin-1").lower()) for name, value in headers]
        hosts = [value for name, value in found if name == b"host"]
        origins = [value for name, value in found if name == b"origin"]
        return (
            len(hosts) == 1 and hosts[0] in self._hosts and all(value in self._origins for value in origins)
        )
