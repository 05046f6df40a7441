"""Records of releases in a real registry, of each version: what agents of the repository's version read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.own_image import EMPTY, OwnImage, repository_name
from tests.own_registry import own_registry
from towpath.adapters.registries import registry as records
from towpath.adapters.registries.oci import MANIFEST_TYPE, digest_of
from towpath.errors import TerminalError
from towpath.formats.versions import V1, V2, FileVersion
from towpath.release.codec import encode_release
from towpath.release.model import Release, ReleaseImage, ScanSummary, one_image

pytestmark = pytest.mark.integration

COMMIT = "c" * 40
TYPE = "application/vnd.towpath.release.{}+json"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}
    with own_registry(folder, storage=storage) as made:
        yield made


@pytest.fixture
def image(address: str, request: pytest.FixtureRequest) -> OwnImage:
    return OwnImage(f"{address}/{repository_name(request.node.name)}")


def release(image: OwnImage) -> Release:
    return Release(
        app="hello",
        images=one_image("hello", image.name, image.digest),
        commit=COMMIT,
        source="https://git.example.com/hello.git",
        subject="Say hello",
        author="Dana <dana@example.com>",
        built_at="2026-11-21T03:00:00+00:00",
        scan=ScanSummary("passed", ("secret",), {"LOW": 1}, "0.59.1", "abc", {"CVE-1": "LOW"}),
        flow_run="run-1",
    )


def record_of(image: OwnImage) -> tuple[str, dict[str, Any]]:
    """Media type and content of the record, as any client reads them."""
    answer = image.repository.manifest(f"{image.digest.replace(':', '-')}.towpath")
    assert answer is not None
    (layer,) = json.loads(answer[0])["layers"]
    return layer["mediaType"], json.loads(image.repository.blob(layer["digest"]))


def put(image: OwnImage, media_type: str, content: dict[str, Any]) -> None:
    """A record that another Towpath has written."""
    blob = json.dumps(content).encode()
    image.repository.put_blob(blob)
    layer = {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": EMPTY, "layers": [layer]}
    for tag in (image.digest.replace(":", "-"), f"commit-{COMMIT}"):
        image.repository.put_manifest(f"{tag}.towpath", json.dumps(manifest).encode())


@pytest.mark.parametrize("version", [V1, V2])
def test_a_record_is_written_in_the_version_of_the_repository(image: OwnImage, version: FileVersion) -> None:
    written = release(image)
    first = records.put_release(written, version)
    assert records.put_release(written, version) == first
    assert records.get_release(image.name, image.digest) == written
    assert records.find_release(image.name, COMMIT) == written
    media_type, content = record_of(image)
    assert media_type == TYPE.format(version.partition("/")[2])
    assert content.get("apiVersion") == (None if version == V1 else V2)
    assert ("image" in content, "images" in content) == (version == V1, version == V2)


def test_a_record_of_v1_that_another_build_wrote_is_read(image: OwnImage) -> None:
    content = {**encode_release(release(image), V1), "colour": "red"}
    put(image, TYPE.format("v1"), content)
    assert records.get_release(image.name, image.digest) == release(image)


@pytest.mark.parametrize(
    ("media_type", "change", "said"),
    [
        ("v3", {}, "a release record for towpath.dev/v3, and this Towpath knows up to towpath.dev/v2"),
        ("v12", {"apiVersion": "towpath.dev/v12"}, "a release record for towpath.dev/v12"),
        ("v2", {"colour": "red"}, "cannot be read: .*colour"),
        ("v2", {"apiVersion": "towpath.dev/v3"}, "cannot be read: `apiVersion` must be towpath.dev/v2"),
        ("v2", {"apiVersion": None}, "cannot be read: `apiVersion` must be towpath.dev/v2"),
        ("v2", {"images": []}, "cannot be read: "),
        ("v1", {}, "cannot be read: "),
        ("v0", {}, "is not a release record"),
    ],
)
def test_another_record_is_refused_by_its_version(
    image: OwnImage, media_type: str, change: dict[str, Any], said: str
) -> None:
    put(image, TYPE.format(media_type), {"apiVersion": V2, **encode_release(release(image), V2), **change})
    with pytest.raises(TerminalError, match=f"(?s){said}"):
        records.get_release(image.name, image.digest)
    with pytest.raises(TerminalError, match=f"(?s){said}"):
        records.find_release(image.name, COMMIT)


def test_a_record_is_of_the_images_that_its_release_has(image: OwnImage) -> None:
    web, job = (ReleaseImage(name, f"{image.name}-{name}", image.digest) for name in ("web", "job"))
    content = {"apiVersion": V2, **encode_release(release(image), V2)}
    content["images"] = {each.name: {"image": each.image, "digest": each.digest} for each in (web, job)}
    put(image, TYPE.format("v2"), content)
    with pytest.raises(TerminalError, match="speaks of"):
        records.get_release(image.name, image.digest)
