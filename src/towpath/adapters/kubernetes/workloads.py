"""What running workloads answer through the API server: a service's response, a container's log."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

import urllib3

from towpath.adapters.kubernetes.errors import unreachable
from towpath.adapters.kubernetes.wire import Request, Wire

LONGEST_LINE = 64 << 10
"""Bytes of one line of a log; a longer one comes in pieces."""


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a service said through the API server's proxy. `seconds` is the time of the whole request."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of a container's log. None: no limit. `since_time` is RFC 3339, `since` in seconds.

    `previous`: of the container before the last restart. With `timestamps` each line begins with its time.
    """

    tail: int | None = None
    since: int | None = None
    since_time: str | None = None
    previous: bool = False
    follow: bool = False
    timestamps: bool = False

    def parameters(self, container: str) -> dict[str, str]:
        """As the API server takes it."""
        numbers = {"tailLines": self.tail, "sinceSeconds": self.since, "sinceTime": self.since_time}
        flags = {"previous": self.previous, "follow": self.follow, "timestamps": self.timestamps}
        return {
            "container": container,
            **{name: str(value) for name, value in numbers.items() if value is not None},
            **{name: "true" for name, wanted in flags.items() if wanted},
        }


class Workloads:
    """Reads from what runs in a cluster."""

    _wire: Wire

    def service_proxy(
        self, namespace: str, service: str, port: int | str, path: str = "/", *, timeout: float = 10.0
    ) -> ServiceAnswer:
        """GET a service through the API server; any HTTP status is an answer, not an error."""
        root = f"/api/v1/namespaces/{quote(namespace)}/services/{quote(service)}:{port}/proxy"
        request = Request(
            method="GET",
            path=f"{root}/{path.lstrip('/')}",
            accept="*/*",
            timeout=timeout,
            what=f"ask Service {namespace}/{service}",
        )
        started = time.monotonic()
        answer = self._wire.ask(request)
        return ServiceAnswer(answer.status, answer.data, answer.headers, time.monotonic() - started)

    def pod_log(
        self, namespace: str, pod: str, container: str, query: LogQuery, *, timeout: float | None = None
    ) -> Iterator[str]:
        """Lines of a container's log as they come, without their ends.

        Ends with the log; followed, also after `timeout` seconds without a line. Raises ApiRefusedError (400)
        while the container has not begun.
        """
        request = Request(
            method="GET",
            path=f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/log",
            query=query.parameters(container),
            accept="*/*",
            timeout=timeout,
            stream=True,
            what=f"read the log of {container} in Pod {namespace}/{pod}",
        )
        with closing(self._wire.send(request)) as response:
            yield from _lines(response, self._wire.server)


def _lines(response: urllib3.BaseHTTPResponse, server: str) -> Iterator[str]:
    buffer = b""
    try:
        for chunk in response.stream(65536, decode_content=True):
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if len(buffer) > LONGEST_LINE:
                yield buffer.decode(errors="replace")
                buffer = b""
    except urllib3.exceptions.ReadTimeoutError:
        pass  # nothing was written in time
    except urllib3.exceptions.HTTPError as error:
        raise unreachable(server, error) from error
    if buffer:
        yield buffer.decode(errors="replace")
