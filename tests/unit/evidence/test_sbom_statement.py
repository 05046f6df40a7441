"""Bills of materials as statements: who signed, about which image, and how large they may be."""

from typing import Any

import pytest

from tests.unit.evidence.examples import BUILD, DIGEST, MALLORY, NOW, OTHER_DIGEST, bundle, trusted
from towpath.errors import EvidenceError, MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.sbom_statement import find_sbom, sign_sbom, verify_sbom
from towpath.evidence.statement import Image
from towpath.release.sbom import sbom_of

IMAGE = Image("127.0.0.1:5000/hello", DIGEST)


def document(timestamp: str = "2026-11-21T11:00:00+00:00", parts: int = 1) -> dict[str, Any]:
    components = [
        {"bom-ref": f"pkg:deb/debian/a{number}@1", "name": f"a{number}", "type": "library"}
        for number in range(parts)
    ]
    listed = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": timestamp},
        "components": components,
    }
    return sbom_of(listed, IMAGE.name, IMAGE.digest)


SIGNED = sign_sbom(IMAGE, document(), BUILD)


def test_what_the_builder_signed_is_proven() -> None:
    found = verify_sbom(SIGNED, trusted(), DIGEST, ("build",), NOW)
    assert found.document == document()
    assert (found.principal, found.fingerprint) == ("build", BUILD.public.fingerprint)


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (sign_sbom(IMAGE, document(), MALLORY), UntrustedSignatureError, "none of the 1 keys"),
        (sign_sbom(Image("hello", OTHER_DIGEST), document(), BUILD), OtherSubjectError, "another image"),
        (sign_sbom(IMAGE, document("2026-11-22T11:00:00Z"), BUILD), UntrustedSignatureError, "in the future"),
        (sign_sbom(IMAGE, {"metadata": {}}, BUILD), MalformedEvidenceError, "timestamp"),
        (bundle(), MalformedEvidenceError, "predicateType"),  # release evidence is no bill of materials
        (SIGNED[:-100], MalformedEvidenceError, "cut off|no JSON"),
    ],
)
def test_nothing_else_is(content: bytes, error: type[EvidenceError], said: str) -> None:
    with pytest.raises(error, match=said):
        verify_sbom(content, trusted(), DIGEST, ("build",), NOW)
    with pytest.raises(error, match=said):
        find_sbom([content], trusted(), DIGEST, ("build",), NOW)


def test_of_several_the_newest_that_holds_counts() -> None:
    newer = sign_sbom(IMAGE, document("2026-11-21T11:30:00Z", parts=3), BUILD)
    false = sign_sbom(IMAGE, document("2026-11-21T11:45:00Z", parts=9), MALLORY)
    found = find_sbom([newer, SIGNED, false], trusted(), DIGEST, ("build",), NOW)
    assert found
    assert len(found.document["components"]) == 3
    assert find_sbom([], trusted(), DIGEST, ("build",), NOW) is None


def test_one_of_ten_megabytes_is_signed_and_read_and_a_larger_one_than_can_be_read_is_refused() -> None:
    large = document(parts=130_000)
    signed = sign_sbom(IMAGE, large, BUILD)
    assert len(signed) > 10_000_000
    assert verify_sbom(signed, trusted(), DIGEST, ("build",), NOW).document == large
    with pytest.raises(EvidenceError, match="more than the 33554432 that are read"):
        sign_sbom(IMAGE, {**large, "x": "y" * 33_554_432}, BUILD)
