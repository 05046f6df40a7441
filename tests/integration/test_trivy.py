"""The real Trivy on real images."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.images import Builder, hello
from towpath.adapters.images import trivy as adapter
from towpath.adapters.images.trivy import Trivy, find_trivy, scan_image
from towpath.config import ScanPolicy
from towpath.errors import TerminalError, TransientError
from towpath.release.judge_scan import judge_scan
from towpath.release.scan_verdict import ScanVerdict

pytestmark = pytest.mark.integration

SECRETS = ScanPolicy(scanners=("secret",))
IGNORE = {
    ".trivyignore": "private-key\n",
    ".trivyignore.yaml": "secrets: [{id: private-key}]\n",
    "trivy.yaml": "severity: [LOW]\nscan: {skip-files: ['**/server.key'], skip-dirs: [app]}\n",
    "trivy-secret.yaml": "disable-rules: [private-key]\n",
}


@pytest.fixture(scope="module")
def builder(stack) -> Builder:
    return Builder(stack.settings.docker_host, stack.registry)


@pytest.fixture(scope="module")
def trivy(stack) -> Trivy:
    return find_trivy(stack.settings)


@pytest.fixture(scope="module")
def images(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """Image ids and tar files: the example as it is, and with a private key."""
    folder = tmp_path_factory.mktemp("images")
    found = {}
    for name, variants in (("clean", ()), ("private-key", ("private-key",))):
        source = hello(folder / name, *variants)
        for file, text in IGNORE.items():
            (source / file).write_text(text)
            (source / "site" / file).write_text(text)
        image_id = builder.build(source)
        found[name] = image_id, builder.save(image_id, folder / f"{name}.tar")
    return found


def scan(trivy: Trivy, image: tuple[str, Path], cache: Path, policy: ScanPolicy = SECRETS) -> ScanVerdict:
    report = scan_image(trivy, image[1], policy.scanners, cache=cache)
    return judge_scan(report, policy, image[0], now=datetime.now(UTC))


def test_the_example_is_clean(trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path) -> None:
    verdict = scan(trivy, images["clean"], tmp_path)
    assert verdict.passed, verdict.reasons
    assert verdict.findings == ()
    assert verdict.summary.scanner_version == trivy.version


def test_a_private_key_is_found_whatever_the_source_says(
    trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, text in IGNORE.items():
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRIVY_IGNOREFILE", str(tmp_path / ".trivyignore"))
    monkeypatch.setenv("TRIVY_SEVERITY", "LOW")
    verdict = scan(trivy, images["private-key"], tmp_path / "cache")
    assert verdict.summary.status == "blocked"
    assert [finding.where for finding in verdict.blocked_by] == ["/app/site/server.key"]
    assert "PRIVATE KEY" not in json.dumps(verdict.to_json())


def test_a_private_key_among_tests_examples_or_documents_is_found(
    trivy: Trivy, builder: Builder, tmp_path: Path
) -> None:
    source = hello(tmp_path / "source", "private-key")
    key = (source / "site" / "server.key").read_bytes()
    (source / "site" / "server.key").unlink()
    places = ["examples/server.key", "notes.md", "tests/server.key"]
    for place in places:
        (source / "site" / place).parent.mkdir(exist_ok=True)
        (source / "site" / place).write_bytes(key)
    image_id = builder.build(source)
    verdict = scan(trivy, (image_id, builder.save(image_id, tmp_path / "image.tar")), tmp_path)
    assert sorted(each.where for each in verdict.blocked_by) == [f"/app/site/{each}" for each in places]


def test_a_report_on_another_image_is_no_scan(
    trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path
) -> None:
    verdict = scan(trivy, (images["private-key"][0], images["clean"][1]), tmp_path)
    assert verdict.summary.status == "not-scanned"


def test_two_scans_at_once_do_not_disturb_each_other(
    trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        names = ["clean", "private-key"] * 3
        verdicts = list(pool.map(lambda name: scan(trivy, images[name], tmp_path), names))
    assert [verdict.summary.status for verdict in verdicts] == ["passed", "blocked"] * 3


def test_misconfigurations_are_looked_for_without_a_network(
    trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path
) -> None:
    verdict = scan(trivy, images["clean"], tmp_path, ScanPolicy(scanners=("secret", "misconfig")))
    assert verdict.passed, verdict.reasons


def test_without_a_vulnerability_database_nothing_is_scanned(
    trivy: Trivy, images: dict[str, tuple[str, Path]], tmp_path: Path, builder: Builder
) -> None:
    with pytest.raises(TransientError, match="vulnerability database"):
        scan_image(
            trivy,
            images["clean"][1],
            ["vuln"],
            cache=tmp_path,
            database=f"{builder.registry}/no/database:2",
        )


@pytest.mark.parametrize("content", [b"", b"no tar", bytes(10240)])
def test_what_is_no_image_is_an_error(trivy: Trivy, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image.tar").write_bytes(content)
    with pytest.raises(TerminalError, match="Trivy failed"):
        scan_image(trivy, tmp_path / "image.tar", ["secret"], cache=tmp_path)


def test_a_scan_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_GRACE", 0.5)
    program = tmp_path / "trivy"
    program.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    (tmp_path / "image.tar").touch()
    started = time.monotonic()
    with pytest.raises(TransientError, match="did not end"):
        scan_image(Trivy(program, "0.70.1"), tmp_path / "image.tar", ["secret"], cache=tmp_path, timeout=0.5)
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
