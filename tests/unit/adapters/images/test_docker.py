"""adapters/images/docker.py without an engine. (With one: tests/integration/test_build.py.)"""

from pathlib import Path

import pytest

from towpath.adapters.images import docker
from towpath.errors import BuildError, TerminalError, TransientError
from towpath.release.image_ref import parse_image

REGISTRY = "registry.example.com"


def test_labels_say_where_the_image_comes_from_without_credentials() -> None:
    found = docker.labels(
        commit="c" * 40, source="https://bob:canary@git.example.com/a.git", version="", created="2026-11-21"
    )
    assert found == {
        "org.opencontainers.image.revision": "c" * 40,
        "org.opencontainers.image.source": "https://***@git.example.com/a.git",
        "org.opencontainers.image.created": "2026-11-21",
    }


def test_pushing_needs_a_tag() -> None:
    with pytest.raises(TerminalError, match="no tag"):
        docker.push("sha256:" + "0" * 64, parse_image(f"{REGISTRY}/hello"))


def test_pulling_needs_a_digest_and_an_engine() -> None:
    with pytest.raises(TerminalError, match="no digest"):
        docker.pull(parse_image(f"{REGISTRY}/hello:1"))
    image = parse_image(f"{REGISTRY}/hello").with_digest("sha256:" + "0" * 64)
    with pytest.raises(TransientError, match=r"no Docker Engine answers at tcp://\*\*\*@127.0.0.1:1"):
        docker.pull(image, docker_host="tcp://bob:canary@127.0.0.1:1")


def test_a_source_without_dockerfile_is_told_without_an_engine(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="there is no Dockerfile"):
        docker.build(tmp_path, docker_host="unix:///nowhere.sock")


def test_an_engine_that_is_not_there_is_named_without_its_credentials(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(TransientError) as caught:
        docker.build(tmp_path, docker_host="tcp://bob:canary@127.0.0.1:1")
    assert "127.0.0.1:1" in caught.value.message
    assert "canary" not in str(caught.value)


def test_a_builds_output_cannot_steer_a_terminal_nor_hide_a_secret() -> None:
    lines: list[str] = []
    log = docker._Log(lines.append)
    log.add("\x1b]0;title\x07\x1b[2Jpass\x1b[0mword: canary-1\n")
    assert lines == ["password: ***"]
