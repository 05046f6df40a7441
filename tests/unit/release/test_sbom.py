"""The bill of materials of an image: the same text each time, about the image by its digest."""

import json
from typing import Any

from towpath.release.sbom import sbom_of, summary_of

IMAGE, DIGEST = "registry.example.com/team/web", "sha256:" + "1" * 64
BASH = "pkg:deb/debian/bash@5.2"


def listed(
    *drawn: str, timestamp: str = "2026-11-21T12:00:00+00:00", reverse: bool = False
) -> dict[str, Any]:
    """As Trivy writes it, with these references drawn for the image, its system and a program in it."""
    image, system, program = (f"{each * 8}-1111-4111-8111-{each * 12}" for each in drawn)
    parts = [
        {"bom-ref": system, "type": "operating-system", "name": "debian", "version": "12.11"},
        {"bom-ref": program, "type": "application", "name": "usr/bin/helm"},
        {"bom-ref": BASH, "type": "library", "name": "bash", "version": "5.2"},
    ]
    links = [{"ref": image, "dependsOn": [program, system]}, {"ref": system, "dependsOn": [BASH]}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{image}",
        "metadata": {
            "timestamp": timestamp,
            "component": {"bom-ref": image, "type": "container", "name": "/tmp/x/image.tar"},
        },
        "components": parts[::-1] if reverse else parts,
        "dependencies": links[::-1] if reverse else links,
        "vulnerabilities": [{"id": "CVE-2026-1"}],
    }


def test_it_is_about_the_image_by_its_digest_and_names_no_vulnerabilities_and_no_path() -> None:
    made = sbom_of(listed("a", "b", "c"), IMAGE, DIGEST)
    component = made["metadata"]["component"]
    assert (component["name"], component["version"]) == (IMAGE, DIGEST)
    assert component["purl"] == f"pkg:oci/web@sha256%3A{'1' * 64}?repository_url={IMAGE}"
    assert "vulnerabilities" not in made
    assert "/tmp/" not in json.dumps(made)
    assert summary_of(made) == "3 parts, CycloneDX 1.6"


def test_the_same_image_gives_the_same_whatever_trivy_draws() -> None:
    first = sbom_of(listed("a", "b", "c"), IMAGE, DIGEST)
    again = sbom_of(listed("d", "e", "f", reverse=True), IMAGE, DIGEST)
    assert first == again
    later = sbom_of(listed("a", "b", "c", timestamp="2026-11-22T12:00:00+00:00"), IMAGE, DIGEST)
    assert later["serialNumber"] == first["serialNumber"]
    assert later["metadata"].pop("timestamp") != first["metadata"].pop("timestamp")
    assert later == first


def test_another_image_has_another_serial_number() -> None:
    first, other = (sbom_of(listed("a", "b", "c"), IMAGE, f"sha256:{each * 64}") for each in "12")
    assert first["serialNumber"] != other["serialNumber"]


def test_dependencies_name_what_there_is() -> None:
    made = sbom_of(listed("a", "b", "c"), IMAGE, DIGEST)
    there = {each["bom-ref"] for each in [*made["components"], made["metadata"]["component"]]}
    assert len(there) == 4
    assert {each["ref"] for each in made["dependencies"]} <= there
    assert {name for each in made["dependencies"] for name in each["dependsOn"]} <= there
    assert BASH in there


def test_equal_parts_keep_references_of_their_own() -> None:
    twice = listed("a", "b", "c")
    twice["components"].append({**twice["components"][1], "bom-ref": "9" * 8 + "-1111-4111-8111-" + "9" * 12})
    made = sbom_of(twice, IMAGE, DIGEST)
    assert len({each["bom-ref"] for each in made["components"]}) == 4


def test_an_image_without_known_parts_has_an_empty_one() -> None:
    made = sbom_of({"bomFormat": "CycloneDX", "metadata": {}, "components": None}, IMAGE, DIGEST)
    assert made["components"] == []
    assert summary_of(made) == "0 parts, CycloneDX ?"
