"""How this machine reaches the Prefect server of an installation."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from towpath.adapters.port_forward import forwarded
from towpath.errors import TransientError
from towpath.install.parts import Parts
from towpath.install.secrets import Found
from towpath.orchestration.api import RETRIES, PrefectApi
from towpath.redact import remember_secret

PORT = 4200
TIMEOUT = 20.0
PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Reach:
    """`url` of the Prefect API as somebody gave it, else the values' address, else through the API server.

    `kubectl` is the command with the options that name the cluster; empty: it is not installed.
    """

    url: str = ""
    kubectl: Sequence[str] = field(default=(), repr=False)

    @contextmanager
    def api(self, parts: Parts, found: Found, within: float = 0.0) -> Iterator[PrefectApi]:
        """The API, once it answers; TransientError where it does not after `within` seconds."""
        deadline = time.monotonic() + within
        while True:
            try:
                with ExitStack() as held:
                    api = held.enter_context(self._api(parts, found))
                    api.post("/work_pools/filter", {"limit": 1})
                    opened = held.pop_all()
                break
            except TransientError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(PAUSE)
        api.retries = RETRIES
        with opened:
            yield api

    @contextmanager
    def _api(self, parts: Parts, found: Found) -> Iterator[PrefectApi]:
        """With the credential that agents send; asked once, as it may not be there yet."""
        login = (found.value(parts.auth) or b"").decode(errors="replace").strip() if parts.auth else ""
        if login:
            remember_secret(login)
        with self._url(parts) as url:
            api = PrefectApi(url, read_timeout=TIMEOUT, retries=0, login=login)
            try:
                yield api
            finally:
                api.close()

    @contextmanager
    def _url(self, parts: Parts) -> Iterator[str]:
        server = parts.server
        if url := self.url or parts.api:
            yield url
        elif server and self.kubectl:
            with forwarded(self.kubectl, server.namespace, server.name, PORT) as address:
                yield f"http://{address}/api"
        else:
            raise TransientError(
                "no address leads to the Prefect server from here, and kubectl is not installed"
            )


def way_to_api(parts: Parts) -> str:
    """How somebody makes the server reachable from this machine."""
    service = parts.server
    if service is None:
        return "Correct `prefect.url` in the values, or name its address from here by --prefect."
    return (
        f"`kubectl -n {service.namespace} port-forward svc/{service.name} {PORT}`, and meanwhile the same"
        f" with --prefect http://127.0.0.1:{PORT}/api."
    )
