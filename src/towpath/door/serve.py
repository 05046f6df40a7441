"""Runs the door until it is told to stop; requests under way have the grace to end."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from towpath.adapters.endpoint import parse_address
from towpath.door.app import Door
from towpath.door.door_file import DoorFile
from towpath.door.gatekeeper import Gatekeeper
from towpath.door.gateway import Gateway
from towpath.door.rules import Rules
from towpath.door.tokens import Tokens
from towpath.errors import MissingPartError
from towpath.progress import say

KEEP_ALIVE = 15
LARGEST_HEAD = 32 * 1024
"""Bytes of request line and headers."""


class _Server(uvicorn.Server):
    """As uvicorn's; signals are taken by `serve`, so that an end that was asked for is exit code 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(file: DoorFile, prefect_url: str) -> None:
    """Answer until SIGTERM or SIGINT. MissingPartError when a secret or the address cannot be had."""
    rules = Rules.of(file)
    gateway = Gateway(prefect_url, file.ui)
    door = Door(Gatekeeper(rules, Tokens(rules)), gateway, file.limits)
    listening = listen(file.listen)
    config = uvicorn.Config(
        door.application(),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http="h11",
        proxy_headers=bool(file.proxies),
        forwarded_allow_ips=list(file.proxies),
        limit_concurrency=file.limits.connections,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(file.grace.total_seconds()),
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ssl_certfile=file.tls.certificate if file.tls else None,
        ssl_keyfile=file.tls.key if file.tls else None,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        raise MissingPartError(f"certificate or key of the door cannot be read: {error}") from error
    host, port = listening.getsockname()[:2]
    scheme = "https" if file.tls else "http"
    say(f"the door listens at {scheme}://{f'[{host}]' if ':' in host else host}:{port}")
    asyncio.run(_serve(_Server(config), listening))
    gateway.close()
    say("stopped")


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await server.serve(sockets=[listening])


def listen(address: str) -> socket.socket:
    """A socket that listens at HOST:PORT."""
    host, port = parse_address(address)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise MissingPartError(
            f"cannot listen on {address}: {error.strerror or error}",
            remedy="Name another address as HOST:PORT; port 0 takes any that is free.",
        ) from error
