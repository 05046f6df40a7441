"""A repository leads to its own host, or to those that were named; the login stays with it."""

from collections.abc import Iterator

import pytest

from tests.chart_server import ChartServer, chart_server
from towpath.adapters.http import origin_of
from towpath.adapters.vendor.download import Downloads, names_origin
from towpath.errors import MissingPartError, RefusedError, TerminalError, TransientError


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with chart_server() as one:
        yield one


@pytest.fixture
def other() -> Iterator[ChartServer]:
    with chart_server() as one:
        yield one


def test_a_redirect_on_the_same_host_is_followed(server: ChartServer) -> None:
    server.files["/b"] = b"content"
    server.redirects["/a"] = "/b"
    assert Downloads(server.url).get(f"{server.url}/a", 100, "it") == b"content"


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/x",
        "http://example.com/x",
        "https://example.com/x",
        "https://127.0.0.1:1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "//example.com/x",
        "http://user:hunter2hunter2@127.0.0.1:1/x",
        "http://[/x",
    ],
)
def test_a_redirect_elsewhere_is_refused(server: ChartServer, place: str) -> None:
    server.redirects["/a"] = place
    with pytest.raises((RefusedError, TransientError)) as caught:
        Downloads(server.url).get(f"{server.url}/a", 100, "it")
    assert "hunter2" not in str(caught.value)
    assert server.asked == ["/a"]
    with pytest.raises(RefusedError):
        Downloads(server.url).get(place if "[/" not in place else "file:///x", 100, "it")


def test_another_host_is_asked_when_it_is_named_without_the_login(
    server: ChartServer, other: ChartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_LOGIN_127_0_0_1", "bob:hunter2hunter2")
    other.files["/x"] = b"content"
    server.redirects["/a"] = f"{other.url}/x"
    host = other.url.removeprefix("http://")
    with pytest.raises(RefusedError, match="leads to another host"):
        Downloads(server.url).get(f"{server.url}/a", 100, "it")
    assert Downloads(server.url, [host]).get(f"{server.url}/a", 100, "it") == b"content"
    assert server.logins[-1].startswith("Basic ")
    assert other.logins == [""]


@pytest.mark.parametrize(
    ("url", "hosts", "named"),
    [
        ("https://a.example/x", ["a.example"], True),
        ("https://a.example:443/x", ["a.example"], True),
        ("https://a.example/x", ["A.example:443"], True),
        ("https://a.example:8443/x", ["a.example:8443"], True),
        ("https://a.example:8443/x", ["a.example"], False),
        ("https://a.example/x", ["a.example:8443"], False),
        ("http://127.0.0.1/x", ["127.0.0.1"], True),
        ("http://127.0.0.1:8080/x", ["127.0.0.1", "127.0.0.1:80"], False),
        ("https://b.a.example/x", ["a.example"], False),
        ("https://a.example/x", [], False),
    ],
)
def test_a_host_without_a_port_means_its_default_port(url: str, hosts: list[str], named: bool) -> None:
    assert names_origin(hosts, origin_of(url)) is named


def test_the_login_of_the_environment_opens_a_repository(
    server: ChartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.login = "bob:hunter2hunter2"
    server.files["/x"] = b"content"
    with pytest.raises(MissingPartError, match="no right to read it") as caught:
        Downloads(server.url).get(f"{server.url}/x", 100, "it")
    assert "TOWPATH_LOGIN_127_0_0_1=USER:PASSWORD" in str(caught.value)
    monkeypatch.setenv("TOWPATH_LOGIN_127_0_0_1", "bob:hunter2hunter2")
    assert Downloads(server.url).get(f"{server.url}/x", 100, "it") == b"content"
    monkeypatch.setenv("TOWPATH_LOGIN_127_0_0_1", "bob:other-secret-1")
    with pytest.raises(MissingPartError) as caught:
        Downloads(server.url).get(f"{server.url}/x", 100, "it")
    assert "other-secret-1" not in str(caught.value)


def test_too_much_and_too_many_redirects_are_refused(server: ChartServer) -> None:
    server.files["/x"] = bytes(101)
    with pytest.raises(RefusedError, match="larger than"):
        Downloads(server.url).get(f"{server.url}/x", 100, "it")
    server.redirects["/loop"] = "/loop"
    with pytest.raises(TransientError, match="redirects"):
        Downloads(server.url).get(f"{server.url}/loop", 100, "it")
    assert len(server.asked) == 7


def test_what_is_not_there_is_named(server: ChartServer) -> None:
    with pytest.raises(TerminalError, match=r"it at http://127.0.0.1:\d+/x: the server answered 404"):
        Downloads(server.url).get(f"{server.url}/x?token=secret", 100, "it")
    with pytest.raises(TransientError, match="cannot be fetched"):
        Downloads("http://127.0.0.1:1").get("http://127.0.0.1:1/x", 100, "it")


@pytest.mark.parametrize(
    "url", ["http://charts.example.com", "ftp://e.com", "file:///srv", "https://169.254.169.254"]
)
def test_a_repository_without_encryption_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        Downloads(url)
