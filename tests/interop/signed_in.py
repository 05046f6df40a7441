"""A browser that signs in at the issuer, and the real oauth2-proxy in front of a real Prefect server."""

import base64
import http.client
import os
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.chart import example, one, pods, rendered
from tests.interop.issuer import CLIENT_SECRET, Issuer
from tests.interop.programs import OAUTH2_PROXY, built
from tests.interop.servers import running_server
from tests.interop.stores import SECRET, Stores, until
from tests.ports import free_port

HOST = "prefect.example.com"
REFRESH = "--cookie-refresh=5m"
"""Of the chart; here every second, so that no test waits for it."""


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    location: str = ""
    cookies: list[str] = field(default_factory=list)


@dataclass
class Browser:
    """Has cookies for the proxy; `person` is signed in at the issuer. An Ingress would end TLS before it."""

    port: int
    ca: Path
    person: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, through the proxy; headers' names with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": HOST, **({"Cookie": cookies} if cookies else {}), **given}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        return self._answer(connection, method, path, body, sent)

    def sign_in(self, path: str = "/") -> Answer:
        """Open a page and go where the answers lead; the last answer."""
        answer = self.ask("GET", path, Accept="text/html")
        for _ in range(6):
            if answer.status != 302:
                break
            to = urlsplit(answer.location)
            target = f"{to.path}?{to.query}" if to.query else to.path
            answer = (
                self._at_issuer(to.netloc, target)
                if to.netloc not in ("", HOST)
                else self.ask("GET", target, Accept="text/html")
            )
        return answer

    def _at_issuer(self, place: str, target: str) -> Answer:
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection(place, timeout=60, context=context)
        signed_in = {"X-Signed-In-As": self.person} if self.person else {}
        return self._answer(connection, "GET", target, None, signed_in, mine=False)

    def _answer(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        mine: bool = True,
    ) -> Answer:
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            set_cookies = reply.headers.get_all("Set-Cookie") or []
            answer = Answer(reply.status, reply.read(), reply.headers.get("Location", ""), set_cookies)
        finally:
            connection.close()
        for line in set_cookies if mine else ():
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel.value:
                    self.cookies[name] = morsel.value
        return answer


@dataclass(frozen=True)
class Place:
    """Where proxy and server listen; `log` is the proxy's."""

    proxy: int
    server: int
    log: Path
    issuer: Issuer
    ca: Path

    def browser(self, person: str = "") -> Browser:
        return Browser(self.proxy, self.ca, person)


@contextmanager
def signed_in_place(
    stores: Stores, issuer: Issuer, folder: Path, changes: dict[str, Any] | None = None
) -> Iterator[Place]:
    """A server and a proxy as the chart's example `sso` runs them, with this issuer."""
    objects = rendered(example("sso"), {"sso.issuer": issuer.url, **(changes or {})})
    place = Place(free_port(), free_port(), folder / "proxy.log", issuer, folder / "ca.crt")
    with ExitStack() as ends:
        pod = pods(objects)["towpath-server"]
        ends.enter_context(running_server(stores, "people", pod, place.server, folder / "server.log"))
        ends.enter_context(_proxy(objects, stores, place, folder))
        until(lambda: place.browser().ask("GET", "/ready").status == 200, 300)
        yield place


@contextmanager
def _proxy(objects: list[Any], stores: Stores, place: Place, folder: Path) -> Iterator[None]:
    """The init container's script and the container's arguments, in a folder of the test's own."""
    for name, text in (("client", CLIENT_SECRET), ("cookie", secrets.token_hex(16)), ("file", "")):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "secret").write_text(text)
    file = yaml.safe_load(one(objects, "ConfigMap", "towpath-sso")["data"]["proxy.yaml"])
    file["server"]["bindAddress"] = f"127.0.0.1:{place.proxy}"
    file["upstreamConfig"]["upstreams"][0]["uri"] = f"http://127.0.0.1:{place.server}"
    pod = pods(objects)["towpath-sso"]
    (begin,), (container,) = pod["initContainers"], pod["containers"]

    def here(text: str) -> str:
        return text.replace("/run/towpath", str(folder)).replace("/etc/towpath/sso", str(folder))

    (folder / "file/proxy.yaml").write_text(here(yaml.safe_dump(file)))
    environ = {"PATH": os.environ["PATH"], "CREDENTIAL": SECRET, "HOME": str(folder)}
    subprocess.run([*begin["command"][:-1], here(begin["command"][-1])], env=environ, check=True)
    environ |= {each["name"]: "" for each in container["env"]}
    environ["OAUTH2_PROXY_REDIS_CONNECTION_URL"] = f"redis://127.0.0.1:{stores.redis}/0"
    environ["SSL_CERT_FILE"] = str(place.ca)
    with place.log.open("w") as log:
        assert REFRESH in container["args"]
        arguments = [here(each).replace(REFRESH, "--cookie-refresh=1s") for each in container["args"]]
        command = [str(built(OAUTH2_PROXY)), *arguments]
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def basic(credential: str) -> str:
    return "Basic " + base64.b64encode(credential.encode()).decode()
