"""Against a real HTTP server that notes who it is told is asking."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from towpath.adapters.kubernetes.credentials import Identity
from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import Impersonation
from towpath.adapters.kubernetes.proxy import proxy_of
from towpath.adapters.kubernetes.transport import Endpoint, Transport, impersonation_headers
from towpath.errors import NotLeadingError
from towpath.fence import Fence, put_up
from towpath.redact import redact


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[list[tuple[str, str]]] = []
        self.good = {"Bearer good"}
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.headers.items())
        status = 200 if self.headers.get("Authorization") in self.server.good else 401
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Tokens:
    """Gives `tokens` one after the other, the next one when the one before was refused."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def current(self) -> Identity:
        return Identity(self.tokens[0])

    def renewed(self, refused: Identity) -> Identity | None:
        self.asked += 1
        if len(self.tokens) > 1 and refused.token == self.tokens[0]:
            self.tokens.pop(0)
            return self.current()
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


NOBODY_ELSE = Impersonation()


def post(server: Server, source: Tokens, who: Impersonation = NOBODY_ELSE, **options: object) -> int:
    transport = Transport(Endpoint(tls=False), source, who)
    headers = {"Accept": "a", "Content-Type": "b"}
    return transport.request("POST", server.url, headers=headers, body=b"{}", retries=False, **options).status


def told(server: Server, name: str) -> list[str]:
    return [value for key, value in server.seen[-1] if key.lower() == name.lower()]


@pytest.mark.parametrize("preload", [True, False])
def test_who_is_refused_is_asked_for_another_credential_once(server: Server, preload: bool) -> None:
    source = Tokens("bad", "good")
    assert post(server, source, preload_content=preload) == 200
    assert [dict(seen)["Authorization"] for seen in server.seen] == ["Bearer bad", "Bearer good"]
    source = Tokens("bad", "worse", "good")
    assert post(server, source, preload_content=preload) == 401
    assert source.asked == 1 and len(server.seen) == 4


def test_without_another_credential_the_answer_stays(server: Server) -> None:
    assert post(server, Tokens("bad")) == 401
    assert len(server.seen) == 1


def test_every_request_says_as_whom_to_act(server: Server) -> None:
    extra = (("a/b%", ("1", "2")), ("none", ()), ("größe", ("x",)))
    who = Impersonation("jürgen", "7", ("g, h", "", "i"), extra)
    assert post(server, Tokens("bad", "good"), who) == 200
    assert len(server.seen) == 2
    for index in (0, 1):
        server.seen.append(server.seen[index])
        assert [name.encode("latin-1").decode() for name in told(server, "Impersonate-User")] == ["jürgen"]
        assert told(server, "Impersonate-Uid") == ["7"]
        assert told(server, "Impersonate-Group") == ["g, h", "", "i"]
        assert told(server, "Impersonate-Extra-a%2Fb%25") == ["1", "2"]
        assert told(server, "Impersonate-Extra-gr%C3%B6%C3%9Fe") == ["x"]
        assert told(server, "Accept") == ["a"]


def test_without_impersonation_there_are_no_such_headers(server: Server) -> None:
    post(server, Tokens("good"))
    assert not [name for name, _ in server.seen[0] if name.lower().startswith("impersonate")]


@pytest.mark.parametrize("text", ["a\r\nX: y", "a\n", " a", "a ", "a\0", "a\x7f"])
def test_values_that_a_header_cannot_carry(text: str) -> None:
    for who in (
        Impersonation(text),
        Impersonation("a", uid=text),
        Impersonation("a", groups=(text,)),
        Impersonation("a", extra=(("k", (text,)),)),
    ):
        with pytest.raises(KubeconfigError, match="control characters"):
            impersonation_headers(who)


def test_proxies() -> None:
    def through(url: str):
        endpoint = Endpoint(tls=True, tls_server_name="name", proxy=proxy_of("https://k", url, {}))
        return Transport(endpoint, Tokens("t"), Impersonation())._pool

    pool = through("http://me:p%40ssw0rd-of-proxy@proxy.test:3128")
    assert str(pool.proxy) == "http://proxy.test:3128"
    assert pool.proxy_headers == {"proxy-authorization": "Basic bWU6cEBzc3cwcmQtb2YtcHJveHk="}
    assert pool.connection_pool_kw["server_hostname"] == "name"
    assert redact("it said p@ssw0rd-of-proxy") == "it said ***"
    assert str(through("https://[fd00::1]:3128").proxy) == "https://[fd00::1]:3128"
    try:
        import socks  # noqa: F401
    except ImportError:
        with pytest.raises(KubeconfigError, match="PySocks"):
            through("socks5://proxy.test")


def test_a_body_is_sent_only_if_it_still_leads_once_all_else_is_sent() -> None:
    """The time is over between the first look and the second: as when a process is stopped there."""
    looks = iter([1000.0, 1011.0])
    fence = Fence(lambda: next(looks), lambda: 0.0)
    assert fence.open(1010.0, 10.0)
    put_up(fence)
    came = b""
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            transport = Transport(Endpoint(tls=False), Tokens("t"), NOBODY_ELSE)
            with pytest.raises(NotLeadingError, match="POST /"):
                transport.request("POST", url, headers={}, body=b"{}", retries=False)
            connection, _ = listening.accept()
            with connection, contextlib.suppress(ConnectionResetError):
                while more := connection.recv(4096):
                    came += more
    finally:
        put_up(None)
    assert not came.endswith(b"{}")
    assert b"Content-Length: 2\r\n" in came or not came, "it is not taken for a request without a body"


SENDER = """
import sys, time
from towpath.adapters.kubernetes.credentials import Nobody
from towpath.adapters.kubernetes.kubeconfig import Impersonation
from towpath.adapters.kubernetes.transport import Endpoint, Transport
from towpath.fence import Fence, boot_time, put_up
fence = Fence()
fence.open(boot_time() + 600, time.time() + 600)
put_up(fence)
transport = Transport(Endpoint(tls=False), Nobody(), Impersonation())
transport.request("POST", sys.argv[1], headers={}, body=b"x" * 300_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how much a socket holds")
def test_what_the_network_has_not_taken_ends_with_the_process_that_sent_it() -> None:
    """Else the kernel would go on to send it, also minutes after another agent has come to lead."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        process = subprocess.Popen([sys.executable, "-c", SENDER, url])
        connection, _ = listening.accept()
        with connection:
            time.sleep(1.0)  # all of it is with the kernel, which waits for room on the other side
            process.kill()
            process.wait()
            came = 0
            with pytest.raises(ConnectionResetError):
                while more := connection.recv(65536):
                    came += len(more)
    assert came < 300_000
