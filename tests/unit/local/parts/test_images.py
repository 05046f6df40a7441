"""Images made of busybox alone."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from towpath.local.parts.images import busybox_image


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Stands in for busybox: lists its applets."""
    path = tmp_path / "busybox"
    path.write_text("#!/bin/sh\nprintf 'sh\\nbusybox\\nhttpd\\n'\n")
    path.chmod(0o755)
    return path


def test_the_same_program_makes_the_same_image(program: Path) -> None:
    assert busybox_image(program, "amd64") == busybox_image(program, "amd64")


def test_digests_in_manifest_and_config_are_those_of_the_content(program: Path) -> None:
    image = busybox_image(program, "amd64")
    manifest, config = json.loads(image.manifest), json.loads(image.config)
    assert manifest["layers"][0]["digest"] == f"sha256:{hashlib.sha256(image.layer).hexdigest()}"
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(image.config).hexdigest()}"
    layer = gzip.decompress(image.layer)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_every_applet_is_a_link_to_busybox(program: Path) -> None:
    layer = gzip.decompress(busybox_image(program, "amd64").layer)
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        members = {member.name: member for member in tar.getmembers()}
    assert members["bin/sh"].linkname == members["bin/httpd"].linkname == "bin/busybox"
    assert members["bin/busybox"].isfile()
    assert members["tmp"].mode == 0o1777
