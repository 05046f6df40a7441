"""Evidence of ours before the real cosign, and cosign's before us."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.interop.conftest import Cosign
from tests.own_image import OwnImage, repository_name
from tests.unit.evidence.examples import BUILD, EVIDENCE_OF_HELLO, MALLORY, NOW, trusted
from tests.unit.evidence.keys import KEYS
from towpath.adapters.evidence.sbom_evidence import attach_sbom, prove_sbom
from towpath.errors import EvidenceError, MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.bundle import encode_bundle
from towpath.evidence.envelope import Envelope, sign_envelope
from towpath.evidence.public_key import PublicKey
from towpath.evidence.statement import RELEASE_TYPE, Image, encode_statement
from towpath.evidence.trusted_keys import EVIDENCE, TrustedKey, TrustedKeys
from towpath.evidence.verification import VerifiedRelease, find_release
from towpath.release.sbom import sbom_of

OTHER_TYPE = "https://slsa.dev/provenance/v1"


@pytest.fixture
def image(registry: str, request: pytest.FixtureRequest) -> OwnImage:
    return OwnImage(f"{registry}/{repository_name(request.node.name)}")


def reference(image: OwnImage) -> str:
    return f"{image.name}@{image.digest}"


def verified(image: OwnImage, keys: TrustedKeys) -> VerifiedRelease:
    return find_release(image.read(), keys, image.asked(), NOW)


@pytest.mark.parametrize("kind", ["ed25519", "p256", "rsa"])
def test_cosign_verifies_our_evidence(image: OwnImage, cosign: Cosign, kind: str) -> None:
    key = KEYS[kind]
    image.put(image.evidence(key=key))
    assert cosign.accepts(reference(image), key.public.pem, RELEASE_TYPE)
    assert (
        verified(image, TrustedKeys((TrustedKey(("build",), key.public, (EVIDENCE,)),))).principal == "build"
    )


def test_cosign_refuses_what_we_refuse(image: OwnImage, cosign: Cosign) -> None:
    other = OwnImage(image.name)
    other.digest = other.push({"annotations": {"other": "image"}})
    image.put(image.evidence())
    pem = BUILD.public.pem
    assert not cosign.accepts(reference(image), MALLORY.public.pem, RELEASE_TYPE)
    assert not cosign.accepts(reference(image), pem, OTHER_TYPE)
    assert not cosign.accepts(reference(other), pem, RELEASE_TYPE)
    other.put(image.evidence())  # evidence about another image, attached to this one
    assert not cosign.accepts(reference(other), pem, RELEASE_TYPE)
    with pytest.raises(OtherSubjectError):
        verified(other, trusted())


def test_a_swapped_payload_convinces_neither(image: OwnImage, cosign: Cosign) -> None:
    images = (Image(image.name, image.digest),)
    honest = replace(EVIDENCE_OF_HELLO, images=images)
    forged = encode_statement(replace(honest, authors=("Bob <bob@example.com>",)))
    envelope = Envelope(forged, sign_envelope(encode_statement(honest), BUILD).signature)
    image.put(encode_bundle(envelope, BUILD.public))
    assert not cosign.accepts(reference(image), BUILD.public.pem, RELEASE_TYPE)
    with pytest.raises(UntrustedSignatureError):
        verified(image, trusted())


@pytest.mark.parametrize("parts", [300, 130_000], ids=["of some hundred parts", "of more than 10 MB"])
def test_cosign_verifies_our_bill_of_materials(image: OwnImage, cosign: Cosign, parts: int) -> None:
    image.put(image.evidence())
    about = Image(image.name, image.digest)
    listed = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": NOW.isoformat()},
        "components": [
            {"bom-ref": f"pkg:deb/debian/a{each}@1", "type": "library", "name": f"a{each}", "version": "1"}
            for each in range(parts)
        ],
    }
    document = sbom_of(listed, image.name, image.digest)
    attach_sbom(about, document, BUILD)
    found = prove_sbom(about, trusted(), ("build",), NOW)
    assert found
    assert found.document == document
    (cosign.folder / "build.pem").write_text(BUILD.public.pem)
    options = ("--key", "build.pem", "--insecure-ignore-tlog", "--type", "cyclonedx")
    done = cosign.run("verify-attestation", *options, reference(image))
    assert done.returncode == 0, done.stderr
    payload = json.loads(base64.b64decode(json.loads(done.stdout)["payload"]))
    assert payload["predicate"] == document
    assert cosign.accepts(reference(image), BUILD.public.pem, RELEASE_TYPE)
    assert not cosign.accepts(reference(image), MALLORY.public.pem, "cyclonedx")


def new_key(cosign: Cosign) -> TrustedKey:
    """A key that cosign makes, trusted as the builder's."""
    cosign.must("generate-key-pair")
    cosign.must("signing-config", "create", "--out", "offline.json")  # no transparency log, no time stamps
    return TrustedKey(("build",), public_key(cosign.folder / "cosign.pub"), (EVIDENCE,))


SIGN = ("--key", "cosign.key", "--type", RELEASE_TYPE, "--signing-config", "offline.json", "-y")


def attest(cosign: Cosign, image: OwnImage, predicate: object) -> TrustedKey:
    """Let cosign make, sign and attach a statement with this predicate; its key."""
    key = new_key(cosign)
    (cosign.folder / "predicate.json").write_text(json.dumps(predicate))
    cosign.must("attest", *SIGN, "--predicate", "predicate.json", "--allow-http-registry", reference(image))
    return key


def test_we_verify_what_cosign_signed(image: OwnImage, cosign: Cosign) -> None:
    key = new_key(cosign)
    payload = json.loads(image.evidence())["dsseEnvelope"]["payload"]
    (cosign.folder / "statement.json").write_bytes(base64.b64decode(payload))
    cosign.must("attest-blob", *SIGN, "--statement", "statement.json", "--bundle", "bundle.json")
    image.put((cosign.folder / "bundle.json").read_bytes())
    assert verified(image, TrustedKeys((key,))).fingerprint == key.key.fingerprint
    assert cosign.accepts(reference(image), key.key.pem, RELEASE_TYPE)
    with pytest.raises(UntrustedSignatureError, match="none of the 1 keys"):
        verified(image, trusted())


def test_a_statement_of_an_earlier_version_is_signed_and_refused(image: OwnImage, cosign: Cosign) -> None:
    """From a bare predicate cosign makes an in-toto statement of version 0.1."""
    predicate = json.loads(encode_statement(EVIDENCE_OF_HELLO))["predicate"]
    key = attest(cosign, image, predicate)
    with pytest.raises(MalformedEvidenceError, match=r"Statement/v0\.1"):
        verified(image, TrustedKeys((key,)))


def test_ours_and_cosigns_stay_beside_each_other(image: OwnImage, cosign: Cosign) -> None:
    image.put(image.evidence())
    cosigns = attest(cosign, image, {"a": 1})
    again = image.evidence(app="other")
    image.put(again)
    assert len(image.read()) == 3
    assert verified(image, trusted()).principal == "build"
    assert cosign.accepts(reference(image), BUILD.public.pem, RELEASE_TYPE)
    assert cosign.accepts(reference(image), cosigns.key.pem, RELEASE_TYPE)


def test_no_evidence_is_none_for_both(image: OwnImage, cosign: Cosign) -> None:
    assert not cosign.accepts(reference(image), BUILD.public.pem, RELEASE_TYPE)
    with pytest.raises(EvidenceError, match="there is no release evidence"):
        verified(image, trusted())


def public_key(path: Path) -> PublicKey:
    key = serialization.load_pem_public_key(path.read_bytes())
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return PublicKey.parse(key.public_bytes(encoding, form).decode())
