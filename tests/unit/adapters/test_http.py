"""adapters/http.py against a real server on this machine."""

import socket
import ssl
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import certifi
import pytest

from tests.unit.adapters.answering import Answer, answering
from towpath.adapters import http
from towpath.adapters.authorities import BUNDLES, default_certificates
from towpath.adapters.http import (
    IDLE,
    CertificateError,
    HttpClient,
    HttpError,
    asked_pause,
    read_body,
    read_start,
)

SOON = (2.0, 2.0)
DAY = "Mon, 04 May 2026"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_status_headers_and_body_arrive_whatever_the_status() -> None:
    with answering([Answer(503, b"later", {"Retry-After": "7"})]) as server:
        answer = HttpClient(proxies=False).send("GET", f"{server.url}/a?b=c", timeout=SOON)
        assert (answer.status, answer.headers["Retry-After"], read_body(answer, 100)) == (503, "7", b"later")
    assert server.asked == ["GET /a?b=c"], "nothing is asked a second time"


def test_method_headers_and_body_are_sent() -> None:
    with answering([Answer()]) as server:
        client = HttpClient(proxies=False)
        read_body(client.send("POST", server.url, headers={"X-A": "b"}, body=b"text", timeout=SOON), 9)
    (request,) = server.requests
    assert (request.method, request.headers["X-A"], request.body) == ("POST", "b", b"text")
    assert request.headers["User-Agent"] == "towpath"


def test_connections_are_kept_until_the_client_is_closed() -> None:
    with answering([Answer(body=b"x")]) as server:
        client = HttpClient(proxies=False)
        for _ in range(3):
            read_body(client.send("GET", server.url, timeout=SOON), 9)
        (manager,) = client._managers.values()
        pool = manager.connection_from_url(server.url)
        assert (pool.num_requests, pool.num_connections) == (3, 1)
        client.close()
        assert not len(manager.pools)


def test_a_connection_that_was_idle_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(http.time, "monotonic", lambda: now[0])
    with answering([Answer(body=b"x")]) as server, answering([Answer(body=b"y")]) as other:
        client, sent_over_it = HttpClient(proxies=False), []
        for pause in (0.0, IDLE - 1, IDLE - 1, IDLE + 1, 0.0):
            now[0] += pause
            read_body(client.send("POST", server.url, body=b"text", timeout=SOON), 9)
            (manager,) = client._managers.values()
            pool = manager.connection_from_url(server.url)
            assert pool.num_connections == 1
            sent_over_it.append(pool.num_requests)
            read_body(client.send("GET", other.url, timeout=SOON), 9)
    assert sent_over_it == [1, 2, 3, 1, 2]
    assert len(server.requests) == len(other.requests) == 5


def test_redirects_are_followed_only_as_often_as_asked_for() -> None:
    chain = [
        Answer(302, headers={"Location": "/b"}),
        Answer(302, headers={"Location": "/c"}),
        Answer(body=b"c"),
    ]
    client = HttpClient(proxies=False)
    with answering(chain) as server:
        assert client.send("GET", f"{server.url}/a", timeout=SOON).status == 302
        assert server.asked == ["GET /a"]
    with answering(chain) as server:
        assert client.send("GET", f"{server.url}/a", timeout=SOON, redirects=1).status == 302
    with answering(chain) as server:
        assert client.send("GET", f"{server.url}/a", timeout=SOON, redirects=2).status == 200
        assert server.asked == ["GET /a", "GET /b", "GET /c"]


def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    with answering([Answer()]) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        with answering([Answer(302, headers={"Location": elsewhere})]) as server:
            client = HttpClient(proxies=False)
            client.send("GET", server.url, headers={"Authorization": "Basic x"}, timeout=SOON, redirects=1)
    assert server.requests[0].headers["Authorization"] == "Basic x"
    assert "Authorization" not in other.requests[0].headers


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://[::1]:{port}/", "http://no.invalid/"])
def test_nobody_there_is_an_error_with_the_reason(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        HttpClient(proxies=False).send("GET", url.format(port=free_port()), timeout=SOON)
    assert str(caught.value)
    assert not isinstance(caught.value, CertificateError)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://a b/", "http://\x00/"])
def test_an_address_that_is_none_is_an_error_of_the_same_kind(url: str) -> None:
    with pytest.raises(HttpError):
        HttpClient(proxies=False).send("GET", url, timeout=SOON)


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HttpError, match="timed out"):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        HttpClient(proxies=False).send("GET", url, timeout=(2.0, 0.2))


def test_a_server_without_tls_has_no_certificate() -> None:
    with answering([Answer()]) as server, pytest.raises(CertificateError):
        HttpClient(proxies=False).send("GET", server.url.replace("http:", "https:"), timeout=SOON)


def test_certificates_are_looked_for_at_the_first_https_address_only() -> None:
    made: list[ssl.SSLContext] = []

    def certificates() -> ssl.SSLContext:
        made.append(ssl.create_default_context())
        return made[-1]

    client = HttpClient(proxies=False, certificates=certificates)
    with answering([Answer()]) as server:
        read_body(client.send("GET", server.url, timeout=SOON), 9)
        assert made == []
    for _ in range(2):
        with pytest.raises(HttpError):
            client.send("GET", f"https://127.0.0.1:{free_port()}", timeout=SOON)
    assert len(made) == 1


def test_a_body_that_is_too_large_is_not_read_to_its_end() -> None:
    with answering([Answer(body=b"x" * 1_000_000)]) as server:
        client = HttpClient(proxies=False)
        assert read_body(client.send("GET", server.url, timeout=SOON), 999_999) is None
        assert read_body(client.send("GET", server.url, timeout=SOON), 1_000_000) == b"x" * 1_000_000
        assert read_start(client.send("GET", server.url, timeout=SOON), 10) == b"x" * 10


def test_a_body_that_breaks_off_is_an_error() -> None:
    with answering([Answer(body=b"half", length=100)]) as server:
        client = HttpClient(proxies=False)
        with pytest.raises(HttpError, match=r"broke off after .*4 bytes read"):
            read_body(client.send("GET", server.url, timeout=SOON), 1_000)
        with pytest.raises(HttpError, match="broke off"):
            read_start(client.send("GET", server.url, timeout=SOON), 1_000)


def test_the_machine_s_proxy_is_asked_with_its_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering([Answer(body=b"by proxy")]) as proxy:
        monkeypatch.setattr(
            urllib.request, "getproxies", lambda: {"http": proxy.url.replace("//", "//bob:p%40ss@")}
        )
        monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host.startswith("inside."))
        client = HttpClient()
        assert read_body(client.send("GET", "http://elsewhere.test/a", timeout=SOON), 99) == b"by proxy"
        with pytest.raises(HttpError):
            client.send("GET", "http://inside.invalid/", timeout=SOON)
        with pytest.raises(HttpError):
            HttpClient(proxies=False).send("GET", "http://elsewhere.invalid/a", timeout=SOON)
    (request,) = proxy.requests
    assert (request.method, request.path) == ("GET", "http://elsewhere.test/a")
    assert request.headers["Proxy-Authorization"] == "Basic Ym9iOnBAc3M="


@pytest.mark.parametrize("variable", BUNDLES)
@pytest.mark.parametrize("folder", [False, True])
def test_a_named_bundle_takes_the_place_of_the_usual_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, *, folder: bool
) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)
    assert len(default_certificates().get_ca_certs()) > 50
    bundle = tmp_path / "one.pem"
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    bundle.write_text(first[0] + first[1])
    monkeypatch.setenv(variable, str(tmp_path if folder else bundle))
    assert len(default_certificates().get_ca_certs()) == (0 if folder else 1)


def test_a_client_is_one_thread_s_and_clients_do_not_share() -> None:
    with answering([Answer(body=b"x")]) as server:
        bodies: list[bytes | None] = []

        def ask() -> None:
            bodies.append(read_body(HttpClient(proxies=False).send("GET", server.url, timeout=SOON), 9))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == [b"x"] * 4


def test_each_redirect_is_checked_and_the_login_stays_with_its_host() -> None:
    def refuse(url: str) -> None:
        if url.startswith("file:"):
            raise LookupError(url)

    with answering([Answer(200, b"there")]) as other:
        moved = Answer(302, headers={"Location": f"{other.url}/x"})
        with answering([moved]) as first:
            headers = {"Authorization": "Basic x", "Accept": "text/plain"}
            client = http.HttpClient(proxies=False)
            answer = client.follow(first.url, headers=headers, timeout=SOON, redirects=1, check=refuse)
            assert (answer.status, first.requests[0].headers["Authorization"]) == (200, "Basic x")
            assert other.requests[0].headers["Authorization"] is None
            assert other.requests[0].headers["Accept"] == "text/plain"
            with pytest.raises(http.HttpError, match="more than 0 redirects"):
                client.follow(first.url, headers={}, timeout=SOON, redirects=0, check=refuse)
    with (
        answering([Answer(301, headers={"Location": "file:///etc/passwd"})]) as bad,
        pytest.raises(LookupError),
    ):
        http.HttpClient(proxies=False).follow(bad.url, headers={}, timeout=SOON, redirects=3, check=refuse)


@pytest.mark.parametrize(
    ("asks", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 04 May 2026 12:00:30 GMT", 30.0),
        ("Mon, 04 May 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_a_pause_that_a_server_asks_for_is_by_its_own_clock(
    monkeypatch: pytest.MonkeyPatch, asks: str, seconds: float | None
) -> None:
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda *_: "Mon, 04 May 2026 12:00:00 GMT"
    )
    with answering([Answer(429, headers={"Retry-After": asks})]) as server:
        assert asked_pause(HttpClient(proxies=False).send("GET", server.url, timeout=SOON)) == seconds


def test_a_body_that_does_not_end_in_time_is_broken_off() -> None:
    with answering([Answer(200, b"x" * 200_000)]) as server:
        answer = http.HttpClient(proxies=False).send("GET", server.url, timeout=SOON)
        with pytest.raises(http.HttpError, match="sent only"):
            http.read_body(answer, 1 << 20, seconds=-1)
