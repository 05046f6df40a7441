"""Images by a real BuildKit without root: built, tested, scanned, pushed to a real registry, pulled again."""

import json
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.interop.buildkit import buildkit
from tests.own_registry import own_registry
from towpath.adapters.images import docker, trivy
from towpath.adapters.images.archive import opened
from towpath.adapters.images.buildkit import BuildKit
from towpath.adapters.registries import registry
from towpath.errors import BuildError, TerminalError, TransientError
from towpath.release.image_ref import parse_image
from towpath.settings import Settings

BUSYBOX = (
    "FROM scratch AS base\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nWORKDIR /app\nCOPY app /app/\n"
)
STEPS = {"on_line": lambda _: None, "timeout": 600.0}


@dataclass
class Builds:
    """Builds of folders with a static busybox."""

    builder: BuildKit
    registry: str
    folder: Path

    def source(self, dockerfile: str, **files: str) -> Path:
        place = self.folder / f"source-{time.monotonic_ns()}"
        (place / "app").mkdir(parents=True)
        shutil.copy("/bin/busybox", place / "busybox")
        for name, text in {"greeting": "hello", **files}.items():
            (place / "app" / name).write_text(text)
        (place / "Dockerfile").write_text(BUSYBOX + dockerfile)
        return place

    def build(self, source: Path, **more: object) -> str:
        asked = {"tag": "", "target": None, "build_args": {}, "labels": {}, **STEPS, **more}
        return self.builder.build(source, "Dockerfile", **asked)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    folder = tmp_path_factory.mktemp("buildkit")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        tempfile.TemporaryDirectory(prefix="towpath-buildkit-", ignore_cleanup_errors=True) as place,
        buildkit(Path(place), monkeypatch) as builder,
        own_registry(folder / "registry") as address,
    ):
        yield Builds(builder, address, folder)


def test_an_image_is_built_scanned_pushed_and_pulled_by_its_digest(builds: Builds, tmp_path: Path) -> None:
    labels = docker.labels(commit="c" * 40, source="https://git.example.com/x", version="v1", created="")
    source = builds.source(
        "ARG SAID\nRUN cat $SAID > said\n", key="-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n"
    )
    lines: list[str] = []
    asked = {"labels": labels, "build_args": {"SAID": "greeting"}}
    image = builds.build(source, **asked, on_line=lines.append)
    assert builds.build(source, **asked) == image, "the same again"
    assert any("RUN cat" in line for line in lines), lines
    tar = tmp_path / "image.tar"
    builds.builder.save(image, tar, timeout=60)
    with tarfile.open(tar) as archive, opened(tar) as found:
        assert found.id == image
        config = json.load(archive.extractfile(f"blobs/{image.replace(':', '/')}"))  # type: ignore[arg-type]
    assert config["config"]["Labels"]["org.opencontainers.image.revision"] == "c" * 40
    report = trivy.scan_image(
        trivy.find_trivy(Settings.load({"HOME": str(Path.home())})), tar, ["secret"], cache=tmp_path / "trivy"
    )
    assert report["Metadata"]["ImageID"] == image

    tag = parse_image(f"{builds.registry}/team/app:v1")
    digest = builds.builder.push(image, tag, timeout=60)
    assert builds.builder.push(image, tag, timeout=60) == digest, "again changes nothing"
    held = registry.read_manifest(tag.with_digest(digest))
    assert (held.digest, held.config_digest) == (digest, image)

    builds.builder.forget([image])
    with pytest.raises(TerminalError):
        builds.builder.save(image, tar, timeout=60)
    pulled = builds.builder.pull(tag.with_digest(digest), timeout=600)
    builds.builder.save(pulled, tar, timeout=60)
    with opened(tar) as found, tarfile.open(tar) as archive:
        described = json.loads(found.manifest)
        layers = [each["digest"] for each in described["layers"]]
        assert all(archive.getmember(f"blobs/{each.replace(':', '/')}") for each in layers)


def test_only_who_has_a_certificate_of_its_authority_may_ask(builds: Builds) -> None:
    assert builds.builder.version() != "unknown"
    assert builds.builder.tls
    for tls in (None, builds.builder.tls.parent / "other"):
        with pytest.raises(TransientError):
            replace(builds.builder, tls=tls).version()


def test_steps_run_as_nobody_s_root_and_cannot_see_the_machine(builds: Builds) -> None:
    lines: list[str] = []
    dockerfile = f"RUN busybox cat /proc/self/uid_map && busybox touch /etc-{time.monotonic_ns()}\n"
    builds.build(builds.source(dockerfile), on_line=lines.append)
    assert any("65534" in line for line in lines), "root in there is the user outside"


def test_tests_are_a_stage_and_what_failed_is_told(builds: Builds) -> None:
    dockerfile = (
        "FROM base AS test\nRUN busybox echo password=canary-1; busybox grep bye greeting\nFROM base\n"
    )
    source = builds.source(dockerfile)
    assert builds.build(source).startswith("sha256:"), "the last stage needs no test"
    with pytest.raises(BuildError) as caught:
        builds.build(source, target="test")
    assert "exit code: 1" in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("RUNN true\n", "unknown instruction: RUNN"),
        ("COPY nothing /\n", "nothing"),
    ],
)
def test_a_wrong_dockerfile_is_a_build_error(builds: Builds, dockerfile: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        builds.build(builds.source(dockerfile))


def test_a_target_that_is_not_there_is_named(builds: Builds) -> None:
    with pytest.raises(BuildError, match="tset"):
        builds.build(builds.source(""), target="tset")


def test_what_the_network_keeps_away_may_come_back(builds: Builds, tmp_path: Path) -> None:
    away = builds.source("")
    (away / "Dockerfile").write_text("FROM 127.0.0.1:1/base:1\n")
    with pytest.raises(TransientError, match="connection refused"):
        builds.build(away)
    nobody = BuildKit(f"unix://{tmp_path}/nobody.sock", tmp_path)
    with pytest.raises(TransientError):
        nobody.build(away, "Dockerfile", tag="", target=None, build_args={}, labels={}, **STEPS)  # type: ignore[arg-type]
    missing = parse_image(f"{builds.registry}/team/nobody@sha256:{'0' * 64}")
    with pytest.raises(TerminalError, match="cannot be pulled"):
        builds.builder.pull(missing, timeout=60)


def test_a_build_that_hangs_is_ended(builds: Builds) -> None:
    with pytest.raises(BuildError, match="did not end within 5 s"):
        builds.build(builds.source(f"RUN busybox sleep 300 # {time.monotonic_ns()}\n"), timeout=5.0)


def test_a_cache_that_the_dockerfile_asks_for_is_kept_between_builds(builds: Builds) -> None:
    """What the classic builder of a Docker Engine does not know."""
    step = (
        "RUN --mount=type=cache,target=/cache busybox cat /cache/x 2>/dev/null; busybox echo {} > /cache/x\n"
    )
    lines: list[str] = []
    builds.build(builds.source(step.format("first-build")))
    builds.build(builds.source(step.format("second-build")), on_line=lines.append)
    assert any(line.endswith("first-build") for line in lines)
