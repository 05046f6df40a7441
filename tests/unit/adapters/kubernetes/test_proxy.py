import pytest

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.proxy import proxy_of

FAR = "https://api.k8s.example.com:6443"


def url(server: str = FAR, named: str = "", **environ: str) -> str | None:
    found = proxy_of(server, named, environ)
    return found.geturl() if found else None


def test_the_kubeconfigs_proxy_has_no_exceptions() -> None:
    named = "http://proxy:3128"
    assert url(named=named, NO_PROXY="*") == named
    assert url("https://127.0.0.1:6443", named) == named
    assert url(named="socks5://proxy:1080", HTTPS_PROXY="http://other") == "socks5://proxy:1080"


def test_the_environments_proxy_is_that_of_the_scheme() -> None:
    assert url(HTTPS_PROXY="http://a:1", https_proxy="http://b:1") == "http://a:1"
    assert url(https_proxy="b:3128") == "http://b:3128"
    assert url(HTTP_PROXY="http://a:1", ALL_PROXY="http://b:1") is None
    assert url() is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.0.1", "[::1]"])
def test_this_machine_is_never_asked_through_the_environments_proxy(host: str) -> None:
    assert url(f"https://{host}:6443", HTTPS_PROXY="http://a:1") is None


@pytest.mark.parametrize(
    ("server", "exceptions", "straight"),
    [
        (FAR, "*", True),
        (FAR, "example.com", True),
        (FAR, ".example.com", True),
        (FAR, "*.example.com", True),
        (FAR, "api.k8s.example.com", True),
        (FAR, ".api.k8s.example.com", False),
        (FAR, "API.K8S.EXAMPLE.COM:6443", True),
        (FAR, "api.k8s.example.com:443", False),
        (FAR, "ample.com", False),
        (FAR, "*ample.com", False),
        (FAR, " a.b , example.com ", True),
        (FAR, ":6443,,", False),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3", "10.1.2.3:6443", False),
        ("https://10.1.2.3", "10.1.2.0/x", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://[fd00::1]:6443", "fd00::1", True),
        ("https://[fd00::1]:6443", "[fd00::1]:443", False),
        (FAR, "10.0.0.0/8", False),
    ],
)
def test_exceptions_of_the_environment(server: str, exceptions: str, straight: bool) -> None:
    assert (url(server, HTTPS_PROXY="http://a:1", NO_PROXY=exceptions) is None) == straight
    assert (url(server, HTTPS_PROXY="http://a:1", no_proxy=exceptions) is None) == straight


@pytest.mark.parametrize(
    "named", ["ftp://p", "p:3128", "http://", "http://p:x", "http://user:s3cr3t@p:99999"]
)
def test_what_is_no_proxy(named: str) -> None:
    with pytest.raises(KubeconfigError, match="`proxy-url` is no URL") as caught:
        url(named=named)
    assert "s3cr3t" not in str(caught.value)
