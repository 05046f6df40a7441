"""Manifests and release records in a real registry."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.images import Builder, hello
from towpath.adapters.registries import registry
from towpath.adapters.registries.oci import Repository
from towpath.errors import TerminalError, TransientError, UnknownNameError
from towpath.formats.versions import V2
from towpath.release.image_ref import ImageReference
from towpath.release.model import Release, ScanSummary, one_image

pytestmark = pytest.mark.integration

# bob, canary-pass
HTPASSWD = "bob:$2b$04$YE4YuYBY4W6T76lp7Q7X1.N4cSpoujyA0eD1u45WqPCnasmdBhp6O\n"


@pytest.fixture(scope="module")
def builder(stack) -> Builder:
    return Builder(stack.settings.docker_host, stack.registry)


@pytest.fixture(scope="module")
def image_id(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> str:
    return builder.build(hello(tmp_path_factory.mktemp("source")))


@pytest.fixture
def repository(builder: Builder) -> ImageReference:
    return builder.repository()


def tags_of(image: ImageReference) -> list[str]:
    return list(Repository(image).tags())


def release(image: ImageReference, digest: str, commit: str = "c" * 40, day: int = 21) -> Release:
    return Release(
        app="hello",
        images=one_image("hello", image.name, digest),
        commit=commit,
        source="https://git.example.com/hello.git",
        subject="Say hello",
        author="Dana Developer",
        built_at=f"2026-11-{day}T03:00:00+00:00",
        scan=ScanSummary("passed", ("secret",), {"LOW": 1}, "0.59.1", "abc"),
        flow_run="run-1",
    )


def test_what_was_pushed_is_read_back(builder: Builder, image_id: str, repository: ImageReference) -> None:
    digest = builder.push(image_id, repository.with_tag("c1"))
    by_tag = registry.read_manifest(repository.with_tag("c1"))
    assert by_tag == registry.read_manifest(f"{repository.name}@{digest}")
    assert by_tag.digest == digest
    assert by_tag.config_digest == image_id


def test_what_is_not_there_is_unknown(repository: ImageReference) -> None:
    with pytest.raises(UnknownNameError, match=repository.repository):
        registry.read_manifest(repository.with_tag("v1"))
    assert registry.get_release(repository.name, "sha256:" + "0" * 64) is None
    assert registry.find_release(repository.name, "c" * 40) is None


def test_a_release_is_found_by_digest_and_by_commit(
    builder: Builder, image_id: str, repository: ImageReference
) -> None:
    written = release(repository, builder.push(image_id, repository.with_tag("c1")))
    registry.put_release(written, V2)
    assert registry.get_release(repository.name, written.id) == written
    assert registry.find_release(repository.name, written.commit) == written
    assert registry.find_release(repository.name, "d" * 40) is None


def test_writing_a_record_twice_changes_nothing(
    builder: Builder, image_id: str, repository: ImageReference
) -> None:
    written = release(repository, builder.push(image_id, repository.with_tag("c1")))
    first = registry.put_release(written, V2)
    tags = tags_of(repository)
    assert len(tags) == 3
    assert registry.put_release(written, V2) == first
    assert tags_of(repository) == tags


def test_no_record_announces_an_image_that_is_not_there(repository: ImageReference) -> None:
    with pytest.raises(UnknownNameError):
        registry.put_release(release(repository, "sha256:" + "1" * 64), V2)
    assert tags_of(repository) == []


def test_a_record_under_another_digests_tag_is_refused(
    builder: Builder, image_id: str, repository: ImageReference
) -> None:
    written = release(repository, builder.push(image_id, repository.with_tag("c1")))
    registry.put_release(written, V2)
    other = "sha256:" + "2" * 64
    store = Repository(repository, push=True)
    found = store.manifest(f"sha256-{written.id[7:]}.towpath")
    assert found is not None
    store.put_manifest(f"sha256-{other[7:]}.towpath", found[0])
    with pytest.raises(TerminalError, match="speaks of"):
        registry.get_release(repository.name, other)


def test_an_image_is_no_release_record(builder: Builder, image_id: str, repository: ImageReference) -> None:
    builder.push(image_id, repository.with_tag(f"commit-{'c' * 40}.towpath"))
    with pytest.raises(TerminalError, match="not a release record"):
        registry.find_release(repository.name, "c" * 40)


def test_an_overwritten_tag_does_not_change_a_release(
    builder: Builder, image_id: str, repository: ImageReference, tmp_path: Path
) -> None:
    written = release(repository, builder.push(image_id, repository.with_tag("latest")))
    registry.put_release(written, V2)
    source = hello(tmp_path)
    (source / "VERSION").write_text("overwritten\n")
    builder.push(builder.build(source), repository.with_tag("latest"))
    found = registry.get_release(repository.name, written.id)
    assert found == written
    assert registry.read_manifest(found.images[0].reference).config_digest == image_id


def test_a_registry_that_is_down_is_transient() -> None:
    down = "127.0.0.1:1/hello"
    for ask in (
        lambda: registry.read_manifest(down),
        lambda: registry.find_release(down, "c" * 40),
        lambda: registry.get_release(down, "sha256:" + "0" * 64),
    ):
        with pytest.raises(TransientError, match=r"127\.0\.0\.1:1"):
            ask()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """A registry of our own that wants a user name and a password."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.fail("docker-registry is not installed: `towpath doctor` says how to get it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "test registry", "path": str(tmp_path / "htpasswd")}},
    }
    (tmp_path / "config.yml").write_text(json.dumps(config))
    with subprocess.Popen(
        [program, "serve", str(tmp_path / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()


def test_docker_logins_credentials_are_used(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "empty"))
    with pytest.raises(TerminalError, match="docker login"):
        registry.find_release(f"{guarded}/hello", "c" * 40)

    auth = base64.b64encode(b"bob:canary-pass").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {guarded: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert registry.find_release(f"{guarded}/hello", "c" * 40) is None
    store = Repository(ImageReference(guarded, "hello"), push=True)
    store.put_blob(b"{}")
    assert store.blob("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a") == b"{}"


def test_a_wrong_password_is_terminal_and_not_shown(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = base64.b64encode(b"bob:canary-wrong").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {guarded: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(TerminalError) as caught:
        registry.find_release(f"{guarded}/hello", "c" * 40)
    assert "canary" not in str(caught.value)


def _wait_for(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"no registry at {address}")
