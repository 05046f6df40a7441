"""The door's HTTP: `POST /deliver`, `POST /hooks/FORGE`, `GET /deliveries/ID`, probes and metrics."""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from towpath.door.door_file import ForgeName, Limits
from towpath.door.gatekeeper import Asked, Gatekeeper, Ignored
from towpath.door.gateway import Delivery, Gateway
from towpath.door.limits import Rate
from towpath.door.metrics import DoorMetrics
from towpath.door.rules import RequestError, malformed, unauthorized
from towpath.progress import say

PATIENCE = 15.0
"""Seconds within which a body must be there."""
DRAINED = 16 << 20
"""Bytes of a body that is too large which are thrown away, so that its sender reads why."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
SHOWN_PATH = 200
ONCE = frozenset(
    {
        *("authorization", "content-type", "content-length", "x-towpath-timestamp", "x-towpath-signature"),
        *("x-hub-signature-256", "x-gitea-signature", "x-gitlab-token", "x-github-event", "x-gitea-event"),
        *("x-gitlab-event", "webhook-id", "webhook-timestamp", "webhook-signature"),
    }
)
"""Headers that decide something: twice in one request, each reader would choose another one."""
Handler = Callable[[Request], Awaitable[Response]]


class Door:
    """Answers requests."""

    def __init__(
        self, gatekeeper: Gatekeeper, gateway: Gateway, limits: Limits, metrics: DoorMetrics | None = None
    ) -> None:
        self._gatekeeper = gatekeeper
        self._gateway = gateway
        self._limits = limits
        self._metrics = metrics or DoorMetrics()
        self._requests = Rate(limits.requests)
        self._deliveries = Rate(limits.deliveries)
        self._ready: tuple[float, list[str]] = (-1e9, [])

    def application(self) -> Starlette:
        """The ASGI application."""
        limited = (("/deliver", self._deliver, "POST"), ("/deliveries/{id}", self._show, "GET"))
        hooks = ((f"/hooks/{forge}", self._hook(forge), "POST") for forge in get_args(ForgeName))
        return Starlette(
            routes=[
                *(
                    Route(path, self._bounded(path, handler), methods=[method])
                    for path, handler, method in (*limited, *hooks)
                ),
                Route("/healthz", _healthy),
                Route("/readyz", self._readyz),
                Route("/metrics", self._show_metrics),
            ],
            exception_handlers={HTTPException: _refused},
        )

    def _bounded(self, path: str, handler: Handler) -> Handler:
        """A handler within the rate of its caller's address; refusals and faults are answers, too."""

        async def handle(request: Request) -> Response:
            begun, result = time.monotonic(), "ok"
            address = request.client.host if request.client else ""
            try:
                _within(self._requests, network_of(address), "requests of this address")
                response = await handler(request)
            except RequestError as error:
                result, response = error.reason, _error(error)
            except ClientDisconnect:
                result, response = "disconnected", _error(malformed("the body broke off"))
            except Exception as error:  # noqa: BLE001 - the top of a request
                say(f"error: {type(error).__name__} at {path}")
                result, response = "fault", JSONResponse({"error": "internal error"}, 500)
            response.headers.update(HEADERS)
            self._metrics.answered(path, result, time.monotonic() - begun)
            if request.method == "POST" or response.status_code >= 400:
                shown = request.url.path[:SHOWN_PATH]
                say(f"{address} {request.method} {shown} {response.status_code} {result}")
            return response

        return handle

    async def _deliver(self, request: Request) -> Response:
        headers, body = _headers(request), await self._body(request)
        authorization = headers.get("authorization", "")
        if authorization and "x-towpath-signature" in headers:
            raise malformed("a request has a token or a signature, not both")
        if authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise unauthorized("token", "a token is wanted: Authorization: Bearer TOKEN")
            caller = await run_in_threadpool(self._gatekeeper.verify, token.strip())
            return await self._start(request, self._gatekeeper.by_token(caller, headers, body))
        if "x-towpath-signature" in headers:
            return await self._start(request, self._gatekeeper.by_signature(headers, body))
        raise unauthorized("nobody", "a token (Authorization) or a signature (X-Towpath-Signature) is wanted")

    def _hook(self, forge: ForgeName) -> Handler:
        async def hook(request: Request) -> Response:
            headers, body = _headers(request), await self._body(request)
            asked = self._gatekeeper.by_hook(forge, headers, body)
            if isinstance(asked, Ignored):
                return JSONResponse({"ignored": asked.reason})
            return await self._start(request, asked)

        return hook

    async def _start(self, request: Request, asked: Asked) -> Response:
        _within(self._deliveries, asked.rule.name, f"deliveries of {asked.rule.name}")
        begun = []
        for app in asked.apps:
            delivery = await self._gateway.start(app, asked.commit, repeat=asked.repeat)
            self._metrics.delivered(asked.by, new=delivery.new)
            run = f"{'new' if delivery.new else 'known'} run {delivery.id}"
            say(f"{asked.rule.name} {asked.ref} by {asked.by}: {app} {asked.commit[:7]}, {run}")
            begun.append(delivery)
        status = 202 if any(each.new for each in begun) else 200
        headers = {"Location": f"/deliveries/{begun[0].id}"}
        if _wants_text(request):
            return PlainTextResponse("".join(map(_line, begun)), status, headers)
        content = {
            "repository": asked.rule.name,
            "ref": asked.ref,
            "commit": asked.commit,
            "deliveries": [each.to_json() for each in begun],
        }
        return JSONResponse(content, status, headers)

    async def _show(self, request: Request) -> Response:
        delivery = await self._gateway.find(request.path_params["id"])
        if _wants_text(request):
            runs = "".join(
                f"{run['state']} {run['flow']} {run['environment'] or '-'} {run['address']}\n"
                for run in delivery.way_to_json()
            )
            return PlainTextResponse(f"{delivery.state}\n{runs}")
        content = {name: value for name, value in delivery.to_json().items() if name != "new"}
        return JSONResponse({**content, "runs": delivery.way_to_json()})

    async def _readyz(self, _request: Request) -> Response:
        at, missing = self._ready
        if time.monotonic() - at > 2.0:
            missing = await self._gateway.not_ready()
            self._ready = time.monotonic(), missing
            self._metrics.set_reachable(not missing)
        return PlainTextResponse("\n".join(missing or ["ok"]) + "\n", 503 if missing else 200)

    async def _show_metrics(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type=self._metrics.content_type)

    async def _body(self, request: Request) -> bytes:
        """The body, bounded in size and time."""
        content, size = bytearray(), 0
        try:
            async with asyncio.timeout(PATIENCE):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > DRAINED:
                        break
                    if size <= self._limits.body:
                        content += chunk
        except TimeoutError:
            raise RequestError(408, "slow", "the body did not come in time") from None
        if size > self._limits.body:
            raise RequestError(413, "large", f"the body has more than {self._limits.body} bytes")
        return bytes(content)


def network_of(address: str) -> str:
    """Whose rate an address shares: of IPv6 the network of 64 bits, which one customer has as a whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
    return str(getattr(found, "ipv4_mapped", None) or found)


def _within(rate: Rate, key: str, what: str) -> None:
    if wait := rate.take(key):
        raise RequestError(429, "rate", f"too many {what}", retry_after=wait)


def _headers(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in ONCE and name in found:
            raise malformed(f"the header {name} is there twice")
        found[name] = value
    return found


def _wants_text(request: Request) -> bool:
    """For scripts without a JSON reader."""
    return request.headers.get("accept", "").partition(";")[0].strip() == "text/plain"


def _line(delivery: Delivery) -> str:
    how = "new" if delivery.new else "known"
    return f"{delivery.id} {delivery.app} {delivery.state} {how} {delivery.address}\n"


def _error(error: RequestError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after + 0.5)))
    return JSONResponse({"error": error.message}, error.status, headers)


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _refused(_request: Request, error: Any) -> Response:
    """404 and 405 of addresses that are not served."""
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
