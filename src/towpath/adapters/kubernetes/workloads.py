"""What running workloads answer through the API server: a service's response, a container's log."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from towpath.adapters.kubernetes.errors import ApiRefusedError
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

    def pod_logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        lines: int = 20,
        previous: bool = False,
    ) -> str:
        """The last lines of a container's log; empty when it has none yet."""
        query = {"tailLines": str(lines), "limitBytes": "65536"}
        query |= {"container": container} if container else {}
        query |= {"previous": "true"} if previous else {}
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/log"
        what = f"read logs of Pod {namespace}/{pod}"
        try:
            answer = self._wire.send(Request(method="GET", path=path, query=query, accept="*/*", what=what))
        except ApiRefusedError as error:
            if error.status in (400, 404):
                return ""
            raise
        return answer.data.decode(errors="replace")
