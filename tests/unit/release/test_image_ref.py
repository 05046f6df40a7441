"""image_ref.py: names are read as Docker reads them."""

import pytest

from towpath.errors import TerminalError
from towpath.release.image_ref import ImageReference, is_image, is_loopback, parse_image, same_repository

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("127.0.0.1:5000/hello", ImageReference("127.0.0.1:5000", "hello")),
        ("127.0.0.1:5000/hello:v1", ImageReference("127.0.0.1:5000", "hello", "v1")),
        (f"127.0.0.1:5000/a/b@{DIGEST}", ImageReference("127.0.0.1:5000", "a/b", None, DIGEST)),
        (f"ghcr.io/a/b:v1@{DIGEST}", ImageReference("ghcr.io", "a/b", "v1", DIGEST)),
        ("localhost/hello", ImageReference("localhost", "hello")),
        ("[::1]:5000/hello", ImageReference("[::1]:5000", "hello")),
        ("busybox", ImageReference("docker.io", "library/busybox")),
        ("busybox:1", ImageReference("docker.io", "library/busybox", "1")),
        ("grafana/loki", ImageReference("docker.io", "grafana/loki")),
    ],
)
def test_a_name_is_read(text: str, parsed: ImageReference) -> None:
    assert parse_image(text) == parsed
    assert is_image(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "127.0.0.1:5000/",
        "127.0.0.1:5000/hello:",
        "127.0.0.1:5000/hello:a b",
        "127.0.0.1:5000/hello@sha256:abc",
        "127.0.0.1:5000/hello@",
        "127.0.0.1:5000/../hello",
        "--help",
        "https://host/hello",
        "host.io/hello\n",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(TerminalError):
        parse_image(text)
    assert not is_image(text)


def test_a_name_prints_as_it_was_written() -> None:
    for text in ("127.0.0.1:5000/hello:v1", f"ghcr.io/a/b:v1@{DIGEST}", "ghcr.io/a/b"):
        assert str(parse_image(text)) == text


def test_the_digest_wins_over_the_tag() -> None:
    assert parse_image(f"ghcr.io/a/b:v1@{DIGEST}").selector == DIGEST
    assert parse_image("ghcr.io/a/b:v1").selector == "v1"


def test_tag_and_digest_replace_each_other() -> None:
    image = parse_image("ghcr.io/a/b:v1")
    assert str(image.with_digest(DIGEST)) == f"ghcr.io/a/b@{DIGEST}"
    assert str(image.with_digest(DIGEST).with_tag("v2")) == "ghcr.io/a/b:v2"


@pytest.mark.parametrize("registry", ["127.0.0.1:5000", "localhost", "localhost:80", "[::1]:5000", "[::1]"])
def test_this_machine_is_loopback(registry: str) -> None:
    assert is_loopback(registry)


@pytest.mark.parametrize("registry", ["127.0.0.1.evil.example:5000", "10.0.0.1:5000", "localhost.example"])
def test_other_machines_are_not(registry: str) -> None:
    assert not is_loopback(registry)


@pytest.mark.parametrize(
    ("image", "name", "same"),
    [
        ("127.0.0.1:5000/hello", "127.0.0.1:5000/hello", True),
        (f"127.0.0.1:5000/hello:v1@{DIGEST}", "127.0.0.1:5000/hello", True),
        ("hello:v1", "docker.io/library/hello", True),
        ("index.docker.io/a/b", "docker.io/a/b", True),
        ("docker.io/nginx:1", "nginx", True),
        ("docker.io/nginx", "index.docker.io/library/nginx", True),
        ("registry-1.docker.io/nginx", "docker.io/library/nginx", True),
        ("Docker.io/nginx", "library/nginx", True),
        ("docker.io/nginx", "docker.io/acme/nginx", False),
        ("ghcr.io/nginx", "ghcr.io/library/nginx", False),
        ("GHCR.io:443/a/b:v1", "ghcr.io/a/b", True),
        ("ghcr.io:8443/a/b", "ghcr.io/a/b", False),
        ("ghcr.io/a/bc", "ghcr.io/a/b", False),
        ("ghcr.io/A/b", "ghcr.io/a/b", False),
        ("Always", "ghcr.io/a/b", False),
        ("", "ghcr.io/a/b", False),
    ],
)
def test_a_repository_has_many_names(image: str, name: str, same: bool) -> None:
    assert same_repository(image, name) is same
