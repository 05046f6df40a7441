"""Sends requests as somebody: credentials of the moment, impersonation, and the proxy on the way."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

from towpath.adapters.kubernetes.credentials import Identity, Source
from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import Impersonation
from towpath.adapters.kubernetes.tls import KeyPair, WatchedFiles, client_context
from towpath.fence import is_put_up, require_leadership
from towpath.redact import remember_secret

CONNECTIONS = 32
_FORGET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""What the network has not taken yet is forgotten when a leader ends: else the kernel would send it for
minutes more, as soon as a broken network is whole again."""
"""Kept open: two syncs at a time in one process need not connect anew."""
_TOKEN_CHARACTERS = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How to reach the server. Without TLS, `authority` and the server's name mean nothing.

    `authority` is PEM, or a file with it; where both are empty, the system's authorities are trusted.
    """

    tls: bool
    authority: bytes = b""
    authority_file: str = ""
    tls_server_name: str = ""
    proxy: SplitResult | None = None


class Transport:
    """Sends requests through a connection pool, and makes a new one when certificates have changed.

    What writes is sent only by who leads (`fence`), unless `fenced` is False: to come to lead is a write.
    """

    def __init__(
        self, endpoint: Endpoint, source: Source, impersonation: Impersonation, *, fenced: bool = True
    ) -> None:
        self._endpoint, self._source, self._fenced = endpoint, source, fenced
        self._headers = impersonation_headers(impersonation)
        self._lock = threading.Lock()
        self._files = WatchedFiles(endpoint.authority_file) if endpoint.authority_file else None
        pair = source.current().pair
        self._made_for: tuple[bytes, KeyPair | None] = (self._authority(), pair)
        self._pool = self._new_pool()

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """As `PoolManager.request`; a request that is answered by 401 is sent again as whoever we are now."""
        identity = self._source.current()
        answer = self._send(identity, method, url, headers, options)
        if answer.status != 401 or (other := self._source.renewed(identity)) is None:
            return answer
        answer.drain_conn()
        answer.release_conn()
        return self._send(other, method, url, headers, options)

    def _send(
        self, identity: Identity, method: str, url: str, headers: Mapping[str, str], options: Any
    ) -> urllib3.BaseHTTPResponse:
        sent = urllib3.HTTPHeaderDict(headers)
        if identity.token:
            sent["Authorization"] = f"Bearer {identity.token}"
        for name, value in self._headers:
            sent.add(name, value)
        if self._fenced and method != "GET":
            what = f"{method} {urlsplit(url).path}"
            require_leadership(what)
            if body := options.get("body"):
                sent["Content-Length"] = str(len(body))
                options = {**options, "body": _while_leading(body, what)}
        return self._pool_for(identity.pair).request(method, url, headers=sent, **options)

    def _pool_for(self, pair: KeyPair | None) -> urllib3.PoolManager:
        if not self._endpoint.tls:
            return self._pool
        with self._lock:
            wanted = (self._authority(), pair)
            if wanted != self._made_for:
                self._made_for = wanted
                # Of several files only some may have been written yet: until then as before.
                with suppress(KubeconfigError):
                    self._pool = self._new_pool()
            return self._pool

    def _authority(self) -> bytes:
        return self._files.contents()[0] if self._files else self._endpoint.authority

    def _new_pool(self) -> urllib3.PoolManager:
        context = client_context(*self._made_for) if self._endpoint.tls else None
        return _pool(self._endpoint, context, forgets=self._fenced and is_put_up())


def _while_leading(body: bytes, what: str) -> Iterator[bytes]:
    """The body of a request, sent only if that may be written when all else is sent: connection and head."""
    require_leadership(what)
    yield body


def impersonation_headers(who: Impersonation) -> tuple[tuple[str, str], ...]:
    """Names and values of the headers; one name may come several times. Raises KubeconfigError."""
    if not who.user:
        return ()
    found = [("Impersonate-User", _value(who.user, "as"))]
    if who.uid:
        found.append(("Impersonate-Uid", _value(who.uid, "as-uid")))
    found += [("Impersonate-Group", _value(group, "as-groups")) for group in who.groups]
    for key, values in who.extra:
        name = f"Impersonate-Extra-{_escaped(key)}"
        found += [(name, _value(value, "as-user-extra")) for value in values]
    return tuple(found)


def _value(text: str, key: str) -> str:
    if text != text.strip() or any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in text):
        raise KubeconfigError(f"`{key}` begins or ends with white space, or holds control characters")
    # http.client writes latin-1; these are then the bytes of UTF-8, as Go sends them.
    return text.encode().decode("latin-1")


def _escaped(key: str) -> str:
    return "".join(chr(byte) if chr(byte) in _TOKEN_CHARACTERS else f"%{byte:02X}" for byte in key.encode())


def _pool(endpoint: Endpoint, context: ssl.SSLContext | None, *, forgets: bool) -> urllib3.PoolManager:
    # Retries are ours: urllib3's would repeat requests without telling.
    options: dict[str, Any] = {"maxsize": CONNECTIONS, "retries": urllib3.Retry(0, redirect=0)}
    if forgets:
        options["socket_options"] = [*HTTPConnection.default_socket_options, _FORGET]
    if context is not None:
        options["ssl_context"] = context
        if endpoint.tls_server_name:
            options["server_hostname"] = endpoint.tls_server_name
    proxy = endpoint.proxy
    if proxy is None:
        return urllib3.PoolManager(**options)
    user, password = (unquote(part) if part else None for part in (proxy.username, proxy.password))
    if password:
        remember_secret(password)
    host = f"[{proxy.hostname}]" if ":" in (proxy.hostname or "") else proxy.hostname
    if proxy.scheme == "socks5":
        return _socks(f"{host}:{proxy.port or 1080}", user, password, options)
    port = f":{proxy.port}" if proxy.port else ""
    if user is not None:
        options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=f"{user}:{password or ''}")
    return urllib3.ProxyManager(f"{proxy.scheme}://{host}{port}", proxy_ssl_context=context, **options)


def _socks(address: str, user: str | None, password: str | None, options: Any) -> urllib3.PoolManager:
    if find_spec("socks") is None:
        raise KubeconfigError(
            "a SOCKS proxy leads to its server, for which PySocks must be installed (`pip install PySocks`)"
        )
    from urllib3.contrib.socks import SOCKSProxyManager

    # socks5h: the proxy looks up names, as it does for Go.
    return SOCKSProxyManager(f"socks5h://{address}", username=user, password=password, **options)
