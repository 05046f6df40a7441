"""The registry client and a server that misbehaves; real ones: integration/test_registry.py."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from towpath.adapters.registries import oci
from towpath.adapters.registries.oci import Repository
from towpath.errors import TerminalError, TransientError
from towpath.release.image_ref import parse_image

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], Answer]) -> Iterator[str]:
    """A server on a free port of this machine; yields `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


def repository(registry: str) -> Repository:
    return Repository(parse_image(f"{registry}/hello"))


def test_a_manifest_is_read() -> None:
    with server(lambda _: (200, {"Content-Type": "a/b; charset=x"}, MANIFEST)) as registry:
        assert repository(registry).manifest(DIGEST) == (MANIFEST, "a/b")


@pytest.mark.parametrize("header", [{}, {"Docker-Content-Digest": DIGEST}])
def test_a_manifest_that_is_not_what_was_asked_for_is_refused(header: dict[str, str]) -> None:
    with (
        server(lambda _: (200, header, b'{"other": 1}')) as registry,
        pytest.raises(TransientError, match="damaged"),
    ):
        repository(registry).manifest(DIGEST)


def test_a_manifest_that_breaks_off_is_transient() -> None:
    with (
        server(lambda _: (200, {"Content-Length": "1000"}, MANIFEST)) as registry,
        pytest.raises(TransientError, match="broke off"),
    ):
        repository(registry).manifest(DIGEST)


def test_an_endless_manifest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "MAX_BYTES", 10)
    with (
        server(lambda _: (200, {}, MANIFEST)) as registry,
        pytest.raises(TerminalError, match="larger"),
    ):
        repository(registry).manifest(DIGEST)


def test_a_registry_that_never_answers_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "TIMEOUT", (1, 0.2))
    wait = threading.Event()

    def stall(_: BaseHTTPRequestHandler) -> Answer:
        wait.wait(5)
        return 200, {}, MANIFEST

    with server(stall) as registry, pytest.raises(TransientError, match="does not answer"):
        try:
            repository(registry).manifest(DIGEST)
        finally:
            wait.set()


def test_a_closed_port_is_transient_and_told_with_a_remedy() -> None:
    with pytest.raises(TransientError, match="towpath local up"):
        repository("127.0.0.1:1").manifest(DIGEST)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_busy_is_transient_and_carries_the_wish(status: int) -> None:
    with (
        server(lambda _: (status, {"Retry-After": "7"}, b"")) as registry,
        pytest.raises(TransientError) as caught,
    ):
        repository(registry).manifest(DIGEST)
    assert caught.value.retry_after == 7


def test_missing_is_none_and_forbidden_is_terminal() -> None:
    with server(lambda _: (404, {}, b"")) as registry:
        assert repository(registry).manifest(DIGEST) is None
    with server(lambda _: (403, {}, b"")) as registry, pytest.raises(TerminalError, match="docker login"):
        repository(registry).manifest(DIGEST)


def test_a_token_is_fetched_with_dockers_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> Answer:
        asked.append(request.path)
        sent = request.headers.get("Authorization", "")
        host = request.headers["Host"]
        if request.path.startswith("/token"):
            right = sent == "Basic " + base64.b64encode(b"bob:canary-pass").decode()
            return (200, {}, json.dumps({"token": "token-canary"}).encode()) if right else (401, {}, b"")
        if sent == "Bearer token-canary":
            return 200, {}, MANIFEST
        challenge = f'Bearer realm="http://{host}/token",service="s",scope="repository:hello:pull"'
        return 401, {"WWW-Authenticate": challenge}, b""

    with server(answer) as registry:
        log_in(tmp_path, monkeypatch, registry)
        assert repository(registry).manifest(DIGEST) is not None
    assert asked[1] == "/token?service=s&scope=repository%3Ahello%3Apull"


def test_credentials_go_nowhere_without_encryption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://tokens.example.com/token"'}
    with server(lambda _: (401, challenge, b"")) as registry:
        log_in(tmp_path, monkeypatch, registry)
        with pytest.raises(TerminalError, match="without encryption"):
            repository(registry).manifest(DIGEST)


def test_netrc_and_proxies_are_not_asked_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> Answer:
        seen.append(request.headers.get("Authorization"))
        return 200, {}, MANIFEST

    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login bob password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with server(answer) as registry:
        repository(registry).manifest(DIGEST)
    assert seen == [None]


def test_another_host_gets_no_question(tmp_path: Path) -> None:
    link = {"Link": '<https://elsewhere.example.com/v2/hello/tags/list?n=1>; rel="next"'}
    with (
        server(lambda _: (200, link, b'{"tags": ["a"]}')) as registry,
        pytest.raises(TerminalError, match="another host"),
    ):
        list(repository(registry).tags())


def test_tags_are_read_page_by_page() -> None:
    def answer(request: BaseHTTPRequestHandler) -> Answer:
        if "last=b" in request.path:
            return 200, {}, b'{"tags": ["c"]}'
        return 200, {"Link": '</v2/hello/tags/list?last=b&n=2>; rel="next"'}, b'{"tags": ["a", "b"]}'

    with server(answer) as registry:
        assert list(repository(registry).tags()) == ["a", "b", "c"]


@pytest.mark.parametrize("body", [b"x", b"[]", b""])
def test_no_json_is_terminal(body: bytes) -> None:
    with server(lambda _: (200, {}, body)) as registry, pytest.raises(TerminalError, match="no JSON"):
        list(repository(registry).tags())


def log_in(folder: Path, monkeypatch: pytest.MonkeyPatch, registry: str) -> None:
    auth = base64.b64encode(b"bob:canary-pass").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def test_a_blob_that_is_kept_elsewhere_on_this_machine_is_fetched_without_the_login() -> None:
    seen: list[str | None] = []
    content = b"layer"

    def elsewhere(request: BaseHTTPRequestHandler) -> Answer:
        seen.append(request.headers.get("Authorization"))
        return 200, {}, content

    with server(elsewhere) as store:
        place = {"Location": f"http://{store}/x"}
        with server(lambda _: (307, place, b"")) as registry:
            one = repository(registry)
            one.authorization = "Basic canary"
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert one.blob(digest) == content
    assert seen == [None]


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "ftp://example.com/x",
        "http://example.com/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://metadata.google.internal/x",
        "https://[fd00::1]/x",
    ],
)
def test_a_redirect_into_a_network_or_to_plain_http_is_refused(place: str) -> None:
    with (
        server(lambda _: (302, {"Location": place}, b"")) as registry,
        pytest.raises(TerminalError, match=r"points to .* refused"),
    ):
        repository(registry).blob(f"sha256:{'a' * 64}")


def test_tags_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "MAX_TAG_PAGES", 5)
    headers = {"Link": '</v2/hello/tags/list?n=1000&last=a>; rel="next"'}
    with (
        server(lambda _: (200, headers, b'{"tags": ["a"]}')) as registry,
        pytest.raises(TerminalError, match="more than 5 pages of tags"),
    ):
        list(repository(registry).tags())


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' * 100_000])
def test_json_that_is_nested_too_deeply_is_terminal(body: bytes) -> None:
    with (
        server(lambda _: (200, {}, body)) as registry,
        pytest.raises(TerminalError, match="nested too deeply"),
    ):
        list(repository(registry).tags())


@pytest.mark.parametrize("tags", ["5", '{"a": 1}', '"latest"', "null"])
def test_tags_that_are_no_list_are_none(tags: str) -> None:
    with server(lambda _: (200, {}, b'{"tags": %s}' % tags.encode())) as registry:
        assert list(repository(registry).tags()) == []


@pytest.mark.parametrize("challenge", ["Bearer realm=", 'Bearer realm="http://[::1", x=', "Bearer realm=x"])
def test_a_challenge_that_names_no_url_is_refused(challenge: str) -> None:
    with (
        server(lambda _: (401, {"WWW-Authenticate": challenge}, b"")) as registry,
        pytest.raises(TerminalError, match=r"answered|points to what is no URL"),
    ):
        repository(registry).manifest("latest")


def test_a_next_page_that_is_no_url_is_refused() -> None:
    link = {"Link": '<https://[/v2/x>; rel="next"'}
    with (
        server(lambda _: (200, link, b'{"tags": []}')) as registry,
        pytest.raises(TerminalError, match="points to what is no URL"),
    ):
        list(repository(registry).tags())


@pytest.mark.parametrize("wish", ["\u00b2", "Mon, 01 Jan 99999999999 00:00:00 GMT", "-1"])
def test_a_wish_that_is_no_time_is_none(wish: str) -> None:
    with (
        server(lambda _: (503, {"Retry-After": wish}, b"")) as registry,
        pytest.raises(TransientError) as raised,
    ):
        repository(registry).manifest("latest")
    assert raised.value.retry_after is None
