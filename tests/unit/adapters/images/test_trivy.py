"""adapters/images/trivy.py: which Trivy may run. (What it does is in tests/integration/test_trivy.py.)"""

import json
from pathlib import Path

import pytest

from towpath.adapters.images import trivy
from towpath.adapters.images.trivy import find_trivy, list_parts, read_database, scan_image
from towpath.errors import MissingPartError, TerminalError
from towpath.release.sbom import sbom_of
from towpath.settings import Settings


def program(folder: Path, text: str) -> Settings:
    """Settings whose Trivy is a shell script."""
    path = folder / "trivy"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Settings.load({"HOME": str(folder), "TOWPATH_TRIVY": str(path)})


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "0.69.6", "v0.69.4"])
def test_compromised_versions_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(MissingPartError, match="intruder"):
        find_trivy(program(tmp_path, f"""echo '{{"Version": "{version}"}}'"""))


def test_a_compromised_program_is_not_even_started(tmp_path: Path) -> None:
    settings = program(
        tmp_path, f"touch {tmp_path}/started\n# -X github.com/aquasecurity/trivy/pkg/version/app.ver=0.69.5"
    )
    with pytest.raises(MissingPartError, match="intruder"):
        find_trivy(settings)
    assert not (tmp_path / "started").exists()


def test_another_version_is_taken(tmp_path: Path) -> None:
    settings = program(tmp_path, """echo '{"Version": "0.70.1"}'""")
    assert find_trivy(settings).version == "0.70.1"


@pytest.mark.parametrize("text", ["echo 0.70.1", "echo '{}'", "exit 1", """echo '{"Version": "dev"}'"""])
def test_a_program_that_does_not_say_its_version_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MissingPartError, match="TOWPATH_TRIVY"):
        find_trivy(program(tmp_path, text))


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="nowhere"):
        find_trivy(Settings.load({"HOME": str(tmp_path), "TOWPATH_TRIVY": str(tmp_path / "nowhere")}))


def test_the_program_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REGISTRY_PASSWORD", "KUBECONFIG", "DOCKER_CONFIG", "TRIVY_SKIP_FILES", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "canary")
    settings = program(
        tmp_path, f"""env > {tmp_path}/seen; pwd >> {tmp_path}/seen; echo '{{"Version": "0.70.1"}}'"""
    )
    find_trivy(settings)
    seen = (tmp_path / "seen").read_text()
    assert "canary" not in seen
    assert f"HOME={tmp_path}" not in seen


def test_a_changed_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trivy, "WHEEL_SHA256", "0" * 64)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="not the known one"):
        find_trivy(Settings.load({"HOME": str(tmp_path)}))


def test_the_wheels_program_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_trivy(Settings.load({"HOME": str(tmp_path)})).version == "0.59.1"


@pytest.mark.parametrize("scanners", [[], ["secret", "--config=x"]])
def test_unknown_scanners_are_refused(tmp_path: Path, scanners: list[str]) -> None:
    with pytest.raises(TerminalError, match="no such scanner"):
        scan_image(trivy.Trivy(Path("trivy"), "0.70.1"), tmp_path / "x", scanners, cache=tmp_path)


def test_metadata_without_a_database_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db/metadata.json").write_text('{"Version": 2}')
    assert read_database(tmp_path) is None


REPORT = {
    "SchemaVersion": 2,
    "ArtifactName": "/tmp/somewhere/image.tar",
    "ArtifactType": "container_image",
    "Metadata": {"OS": {"Family": "debian", "Name": "12.11"}, "ImageID": "sha256:" + "1" * 64},
    "Results": [
        {
            "Target": "debian 12.11",
            "Class": "os-pkgs",
            "Type": "debian",
            "Packages": [
                {"ID": "bash@5.2", "Name": "bash", "Version": "5.2", "Licenses": ["GPL-3.0-or-later"]}
            ],
            "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-1", "PkgID": "bash@5.2", "PkgName": "bash"}],
        },
        {"Target": "/app/key.pem", "Class": "secret", "Secrets": [{"RuleID": "x", "Match": "canary"}]},
    ],
    "Towpath": {"scanners": ["secret"]},
}


def test_what_is_in_an_image_is_listed_from_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    listed = list_parts(find_trivy(Settings.load({"HOME": str(tmp_path)})), REPORT)
    made = sbom_of(listed, "registry.example.com/hello", "sha256:" + "2" * 64)
    assert {each["name"] for each in made["components"]} == {"debian", "bash"}
    assert made["bomFormat"] == "CycloneDX"
    assert "canary" not in json.dumps(made)
    assert "CVE" not in json.dumps(made)
    assert "/tmp/" not in json.dumps(made)


@pytest.mark.parametrize("text", ["exit 1", "true"], ids=["it fails", "it writes nothing"])
def test_a_program_that_lists_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    path = program(tmp_path, text).trivy
    with pytest.raises(TerminalError, match="Trivy"):
        list_parts(trivy.Trivy(Path(str(path)), "0.70.1"), REPORT)
