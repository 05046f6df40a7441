"""Building with a real Docker Engine: the example, its variants, and everything that can be wrong."""

import hashlib
import json
import tarfile
import time
from pathlib import Path

import pytest

from tests.integration.images import Builder, hello
from towpath.adapters.images import docker
from towpath.errors import BuildError, TerminalError, TransientError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def builder(stack) -> Builder:
    return Builder(stack.settings.docker_host, stack.registry)


def test_the_example_tests_itself_while_it_builds(builder: Builder, tmp_path: Path) -> None:
    source = hello(tmp_path)
    (source / "VERSION").write_text(f"v{time.time()}\n")  # nothing from the engine's cache
    lines: list[str] = []
    builder.build(source, target="test", network="none", on_line=lines.append)
    assert "ok    the page shows the greeting" in lines
    assert any(line.startswith("Step 1/") for line in lines)


@pytest.mark.parametrize("variant", ["never-ready", "private-key"])
def test_the_variants_pass_their_tests(builder: Builder, tmp_path: Path, variant: str) -> None:
    builder.build(hello(tmp_path, variant), target="test", network="none")


def test_the_same_commit_gives_the_same_image(builder: Builder, tmp_path: Path) -> None:
    labels = docker.labels(
        commit="c" * 40,
        source="https://bob:canary@git.example.com/hello.git",
        version="v1",
        created="2026-11-21T03:00:00+00:00",
    )
    first = builder.build(hello(tmp_path / "a"), labels=labels)
    second = builder.build(hello(tmp_path / "b"), labels=labels)
    assert first == second
    config = image_config(builder.save(first, tmp_path / "image.tar"))
    assert "sha256:" + hashlib.sha256(config).hexdigest() == first
    told = json.loads(config)["config"]["Labels"]
    assert told["org.opencontainers.image.revision"] == "c" * 40
    assert told["org.opencontainers.image.created"] == "2026-11-21T03:00:00+00:00"
    assert told["org.opencontainers.image.source"] == "https://***@git.example.com/hello.git"


def test_failing_tests_end_with_what_failed(builder: Builder, tmp_path: Path) -> None:
    source = hello(tmp_path)
    (source / "site/healthz").write_text("down\n")
    with pytest.raises(BuildError) as caught:
        builder.build(source, target="test")
    assert "FAIL  it is alive: no 'ok'" in caught.value.message
    assert "RUN sh test.sh" in caught.value.message
    assert "COPY" not in caught.value.message  # of an earlier step


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("FROM scratch\nRUNN true\n", "unknown instruction: RUNN"),
        ("ARG BASE\nFROM ${BASE}\nRUN echo password=canary-1; exit 3\n", "returned a non-zero code: 3"),
        ("ARG BASE\nFROM ${BASE}\nCOPY nothing /\n", "nothing"),
        ("ARG BASE\nFROM ${BASE}-of-nobody\n", "manifest unknown"),
        ("", "cannot be empty"),
    ],
)
def test_a_wrong_dockerfile_is_a_build_error(
    builder: Builder, tmp_path: Path, dockerfile: str, message: str
) -> None:
    source = hello(tmp_path)
    (source / "Dockerfile").write_text(dockerfile)
    with pytest.raises(BuildError) as caught:
        builder.build(source)
    assert message in caught.value.message
    assert "canary" not in caught.value.message


def test_a_target_that_is_not_there_is_named(builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="tset"):
        builder.build(hello(tmp_path), target="tset")


@pytest.mark.parametrize("dockerfile", ["../Dockerfile", "/etc/hostname", "link", "nothing"])
def test_a_dockerfile_outside_of_the_source_is_refused(
    builder: Builder, tmp_path: Path, dockerfile: str
) -> None:
    source = hello(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (source / "link").symlink_to("/etc/hostname")
    with pytest.raises(BuildError, match=r"outside|there is no"):
        builder.build(source, dockerfile=dockerfile)


def test_a_build_that_hangs_is_ended(builder: Builder, tmp_path: Path) -> None:
    source = hello(tmp_path)
    (source / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nRUN sleep 60 # {time.time()}\n")
    started = time.monotonic()
    with pytest.raises(BuildError, match="did not end within 2 s"):
        builder.build(source, timeout=2)
    assert time.monotonic() - started < 10


def test_a_base_image_that_cannot_be_reached_is_transient(builder: Builder, tmp_path: Path) -> None:
    source = hello(tmp_path)
    (source / "Dockerfile").write_text("FROM 127.0.0.1:1/base:1\n")
    with pytest.raises(TransientError, match="connection refused"):
        builder.build(source)


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_an_engine_that_does_not_answer_is_named(tmp_path: Path, host: str) -> None:
    with pytest.raises(TransientError) as caught:
        docker.build(hello(tmp_path), docker_host=host)
    assert host in caught.value.message
    assert "towpath local up" in str(caught.value.remedy)


def test_saving_what_is_not_there_leaves_no_file(builder: Builder, tmp_path: Path) -> None:
    with pytest.raises(TerminalError):
        builder.save("sha256:" + "0" * 64, tmp_path / "image.tar")
    assert list(tmp_path.iterdir()) == []


def test_pushing_to_a_registry_that_is_down_is_transient(builder: Builder, tmp_path: Path) -> None:
    image = builder.build(hello(tmp_path))
    down = Builder(builder.docker_host, "127.0.0.1:1").repository().with_tag("v1")
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
        builder.push(image, down)


def image_config(tar: Path) -> bytes:
    with tarfile.open(tar) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        config = archive.extractfile(json.load(manifest)[0]["Config"])
        assert config is not None
        return config.read()
