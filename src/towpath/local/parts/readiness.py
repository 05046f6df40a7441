"""Readiness checks: each asks what clients will ask, and raises TransientError when the part is not ready."""

import datetime
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from towpath.errors import TransientError
from towpath.local.common.http import request
from towpath.local.common.stack import NODE, Stack
from towpath.local.parts.configuration import certificate

Check = Callable[[Stack], None]
TIMEOUT = 3.0
"""Seconds one check may take."""
_SILENT = datetime.timedelta(seconds=90)
"""A worker without a heartbeat for so long (three intervals) counts as absent."""


def tls(stack: Stack, client: str = "admin") -> ssl.SSLContext:
    """A TLS context that trusts the stack's authority only and presents the certificate `client`."""
    authority, _ = certificate(stack, "ca")
    context = ssl.create_default_context(cafile=str(authority))
    context.load_cert_chain(*map(str, certificate(stack, client)))
    return context


def http(port: str, path: str) -> Check:
    """Plain HTTP on a named port answers 200."""

    def check(stack: Stack) -> None:
        _expect(f"http://{stack.address(port)}{path}")

    return check


def https(port: str, path: str, client: str = "admin") -> Check:
    """HTTPS on a named port, with certificates of the stack on both sides, answers 200."""

    def check(stack: Stack) -> None:
        _expect(f"https://{stack.address(port)}{path}", tls(stack, client))

    return check


def unix(path: Callable[[Stack], Path]) -> Check:
    """The Unix socket accepts connections."""

    def check(stack: Stack) -> None:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TIMEOUT)
            try:
                probe.connect(str(path(stack)))
            except OSError as error:
                raise TransientError(f"{path(stack)}: {error}") from error

    return check


def engine(stack: Stack) -> None:
    """The private Docker Engine answers."""
    _expect(f"{stack.docker_host}:/_ping")


def node(stack: Stack) -> None:
    """The kubelet is alive, and its node is Ready with no taint left."""
    _expect(f"http://{stack.address('kubelet-health')}/healthz")
    reply = request("GET", f"{stack.apiserver}/api/v1/nodes/{NODE}", tls=tls(stack), timeout=TIMEOUT)
    if not reply.ok:
        raise TransientError(f"node {NODE} is not registered yet")
    live = reply.json()
    conditions = {item["type"]: item for item in live["status"].get("conditions", ())}
    ready = conditions.get("Ready", {})
    heartbeat = ready.get("lastHeartbeatTime")
    if heartbeat is None or datetime.datetime.fromisoformat(heartbeat) < _booted(stack):
        raise TransientError(f"node {NODE} has not reported since the stack started")
    if ready.get("status") != "True":
        raise TransientError(f"node {NODE} is not Ready: {ready.get('message')}")
    if taints := live["spec"].get("taints"):
        raise TransientError(f"node {NODE} still has taint {taints[0]['key']}")


def worker(pool: str) -> Check:
    """The Prefect server has a recent heartbeat of the pool's worker."""

    def check(stack: Stack) -> None:
        reply = request("POST", f"{stack.prefect_api}/work_pools/{pool}/workers/filter", {}, timeout=TIMEOUT)
        workers = reply.json() if reply.ok else []
        newest = max((item["last_heartbeat_time"] for item in workers), default=None)
        # The newest heartbeat may be from an earlier boot of the stack.
        if newest is None or datetime.datetime.fromisoformat(newest) < _booted(stack):
            raise TransientError(f"no worker of pool {pool} has called yet")
        if datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(newest) > _SILENT:
            raise TransientError(f"the worker of pool {pool} was last heard of at {newest}")

    return check


def _booted(stack: Stack) -> datetime.datetime:
    try:
        begin = (stack.layout.run / "supervisord.pid").stat().st_mtime
    except OSError:
        begin = 0.0
    return datetime.datetime.fromtimestamp(begin, datetime.UTC)


def _expect(url: str, context: ssl.SSLContext | None = None) -> None:
    reply = request("GET", url, tls=context, timeout=TIMEOUT)
    if not reply.ok:
        try:
            detail = json.dumps(reply.json())[:200]
        except ValueError:
            detail = reply.body.decode(errors="replace").strip()[-200:]
        raise TransientError(f"{url} answered {reply.status}: {detail}")
