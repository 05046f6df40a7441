"""Archives of images: what BuildKit writes is read, and nothing is believed that a digest does not say."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.answering import Answer, answering
from towpath.adapters.images.archive import opened
from towpath.adapters.images.builder import DockerBuilder, builder_of
from towpath.adapters.images.buildkit import BuildKit
from towpath.adapters.registries.oci import MANIFEST_TYPE, digest_of
from towpath.errors import BuildError, MissingPartError, TerminalError
from towpath.release.image_ref import parse_image
from towpath.settings import Settings

CONFIG, LAYER = b'{"architecture": "amd64"}', b"layer " * 20_000
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "config": {"digest": digest_of(CONFIG), "size": len(CONFIG)},
    "layers": [{"digest": digest_of(LAYER), "size": len(LAYER)}],
}


def files(manifest: dict[str, Any] = MANIFEST, **more: bytes) -> dict[str, bytes]:
    body = json.dumps(manifest).encode()
    index = {"manifests": [{"mediaType": MANIFEST_TYPE, "digest": digest_of(body)}]}
    blobs = {f"blobs/{digest_of(each).replace(':', '/')}": each for each in (CONFIG, LAYER, body)}
    return {"index.json": json.dumps(index).encode(), **blobs, **more}


def archive(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def damaged(content: bytes) -> dict[str, bytes]:
    return {f"blobs/{digest_of(content).replace(':', '/')}": b"another"}


TWO = json.dumps({"manifests": [{}, {}]}).encode()


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"index.json": b"["},
        {"index.json": b"[]"},
        files() | {"index.json": TWO},
        files() | damaged(CONFIG),
        files() | damaged(json.dumps(MANIFEST).encode()),
        files({**MANIFEST, "config": {"digest": "sha256:../../etc", "size": 1}}),
        files({"schemaVersion": 2}),
    ],
)
def test_what_is_no_archive_of_one_image_is_refused(tmp_path: Path, contents: dict[str, bytes]) -> None:
    with (
        pytest.raises((BuildError, TerminalError)),
        opened(archive(tmp_path / "image.tar", contents)),
    ):
        pass


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match=r"cannot read nothing\.tar"), opened(tmp_path / "nothing.tar"):
        pass


def test_only_what_the_registry_lacks_is_sent_whole_and_the_manifest_comes_last(tmp_path: Path) -> None:
    answers = [
        *(Answer(404, b"", {}), Answer(202, b"", {"Location": "/v2/team/app/blobs/uploads/1?state=x"})),
        *(Answer(201, b"", {}), Answer(200, b"", {}), Answer(201, b"", {})),
    ]
    with answering(answers) as server, opened(archive(tmp_path / "image.tar", files())) as image:
        assert image.id == digest_of(CONFIG)
        address = server.url.removeprefix("http://")
        assert image.push(parse_image(f"{address}/team/app:v1")) == digest_of(json.dumps(MANIFEST).encode())
    asked = [(each.method, each.path.partition("?")[0]) for each in server.requests]
    assert asked == [
        ("HEAD", f"/v2/team/app/blobs/{digest_of(LAYER)}"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("PUT", "/v2/team/app/blobs/uploads/1"),
        ("HEAD", f"/v2/team/app/blobs/{digest_of(CONFIG)}"),
        ("PUT", "/v2/team/app/manifests/v1"),
    ]
    assert server.requests[2].body == LAYER


def test_the_settings_say_what_builds(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert builder_of(Settings.load(home)) == DockerBuilder(None)
    assert builder_of(Settings.load({**home, "DOCKER_HOST": "tcp://d:1"})) == DockerBuilder("tcp://d:1")
    variables = {**home, "BUILDKIT_HOST": "tcp://b:1", "TOWPATH_BUILDKIT_TLS": "/tls"}
    made = builder_of(Settings.load(variables))
    assert made == BuildKit("tcp://b:1", tmp_path / ".cache/towpath", Path("/tls"))


def test_a_machine_without_the_client_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="buildctl is not installed"):
        BuildKit("tcp://127.0.0.1:1", tmp_path).version()
