"""Certificates that are rotated under who runs on: a server of real TLS, whose authority is replaced."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_SSL_CERT_FILE, temporary_settings

from towpath.adapters.authorities import BUNDLES
from towpath.adapters.http import CertificateError, HttpClient, read_body
from towpath.adapters.kubernetes.credentials import Nobody
from towpath.adapters.kubernetes.kubeconfig import Impersonation
from towpath.adapters.kubernetes.transport import Endpoint, Transport
from towpath.local.parts.certificates import Subject, ensure_certificates
from towpath.orchestration import profile

SOON = (2.0, 2.0)


class Authority:
    """One of its own, and a certificate of it for this machine."""

    def __init__(self, folder: Path) -> None:
        ensure_certificates(folder, {"box": Subject("box", hosts=("127.0.0.1",))})
        self.pem = (folder / "ca.crt").read_text()
        self.pair = str(folder / "box.crt"), str(folder / "box.key")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None: ...


class Rotating:
    """A server, and the file of authorities by which it is verified."""

    def __init__(self, folder: Path) -> None:
        self.old, self.new = (Authority(folder / name) for name in ("old", "new"))
        self.file = folder / "bundle.crt"
        self.trust(self.old)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.serve(self.old)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = self._context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def trust(self, *authorities: Authority) -> None:
        """As the kubelet does: a new file takes the place of the old one."""
        written = self.file.with_suffix(".new")
        written.write_text("".join(each.pem for each in authorities))
        written.replace(self.file)

    def serve(self, authority: Authority) -> None:
        self._context.load_cert_chain(*authority.pair)


@pytest.fixture
def rotating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotating]:
    made = Rotating(tmp_path)
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_client_goes_on_when_its_authority_is_rotated(rotating: Rotating) -> None:
    client = HttpClient(proxies=False)

    def ask() -> bytes | None:
        return read_body(client.send("GET", rotating.url, timeout=SOON), 9)

    assert ask() == b"{}"
    (first,) = client._managers.values()
    rotating.trust(rotating.old, rotating.new)
    rotating.serve(rotating.new)
    assert ask() == b"{}"
    (second,) = client._managers.values()
    assert ask() == b"{}"
    assert list(client._managers.values()) == [second] != [first], "made anew once"
    rotating.trust(rotating.new)
    assert ask() == b"{}"
    rotating.serve(rotating.old)
    with pytest.raises(CertificateError):
        ask()


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_bundle_that_cannot_be_read_for_a_while_leaves_the_last_one(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(rotating.file))
    client = HttpClient(proxies=False)
    assert client.send("GET", rotating.url, timeout=SOON).status == 200
    for broken in ("", "no certificate"):
        rotating.file.write_text(broken)
        assert client.send("GET", rotating.url, timeout=SOON).status == 200
    rotating.file.unlink()
    assert client.send("GET", rotating.url, timeout=SOON).status == 200
    rotating.serve(rotating.new)
    with pytest.raises(CertificateError):
        client.send("GET", rotating.url, timeout=SOON)
    rotating.trust(rotating.new)
    assert client.send("GET", rotating.url, timeout=SOON).status == 200


def test_an_api_server_s_authority_is_rotated(rotating: Rotating) -> None:
    endpoint = Endpoint(tls=True, authority_file=str(rotating.file))
    transport = Transport(endpoint, Nobody(), Impersonation())

    def ask() -> int:
        return transport.request("GET", rotating.url, headers={}).status

    assert ask() == 200
    rotating.trust(rotating.old, rotating.new)
    rotating.serve(rotating.new)
    assert ask() == 200
    rotating.trust(rotating.new)
    assert ask() == 200


def test_a_client_of_prefect_that_lives_on_trusts_what_came_in(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as another one is made: an agent makes one each minute."""
    monkeypatch.setattr(profile, "_contexts", {})
    profile.share_tls_contexts()

    async def story() -> None:
        async with PrefectClient(rotating.url) as client:
            ask = client._client.get
            assert (await ask("/health")).status_code == 200
            rotating.trust(rotating.old, rotating.new)
            rotating.serve(rotating.new)
            with pytest.raises(httpx.ConnectError):
                await ask("/health")
            PrefectClient(rotating.url)
            assert (await ask("/health")).status_code == 200

    with temporary_settings({PREFECT_API_SSL_CERT_FILE: str(rotating.file)}):
        asyncio.run(story())
