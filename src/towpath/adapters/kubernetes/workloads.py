"""What running workloads answer through the API server: a service's response, a container's log."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from towpath.adapters.kubernetes.wire import Request, Wire


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a service said through the API server's proxy. `seconds` is the time of the whole request."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    seconds: float


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
