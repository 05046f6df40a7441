"""What the build agent states about the parts of an image: an in-toto v1 statement with a CycloneDX SBOM."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from towpath.errors import EvidenceError, OtherSubjectError
from towpath.evidence.bundle import decode_bundle, encode_bundle
from towpath.evidence.envelope import sign_envelope
from towpath.evidence.json_text import canonical, malformed, object_at, parse_object, text_of, time_of
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.statement import STATEMENT_TYPE, Image
from towpath.evidence.trusted_keys import EVIDENCE, TrustedKeys

SBOM_TYPE = "https://cyclonedx.org/bom"
"""The predicate's type: cosign calls it `cyclonedx`."""
MAX_SBOM_BYTES = 32 * 1024 * 1024
"""Of a statement. A system with 10,000 packages has some 15 MB."""
MAX_SBOM_BUNDLE_BYTES = MAX_SBOM_BYTES * 3 // 2
_WHAT = "a bill of materials"


@dataclass(frozen=True, slots=True)
class VerifiedSbom:
    """A bill of materials that is proven: by whom, and by which key."""

    document: Mapping[str, Any]
    stated: datetime
    principal: str
    fingerprint: str


def sign_sbom(image: Image, document: Mapping[str, Any], key: PrivateKey) -> bytes:
    """The bundle to attach to the image. EvidenceError when it has more than MAX_SBOM_BYTES."""
    subject = {"name": image.name, "digest": {"sha256": image.digest.removeprefix("sha256:")}}
    statement = {"_type": STATEMENT_TYPE, "subject": [subject], "predicateType": SBOM_TYPE}
    content = canonical({**statement, "predicate": document})
    if len(content) > MAX_SBOM_BYTES:
        raise EvidenceError(f"it has {len(content)} bytes, more than the {MAX_SBOM_BYTES} that are read")
    return encode_bundle(sign_envelope(content, key), key.public)


def verify_sbom(
    bundle: bytes, trusted: TrustedKeys, digest: str, builders: Collection[str], now: datetime
) -> VerifiedSbom:
    """The bill of materials in a bundle, about the image with that digest, signed by one of `builders`."""
    envelope = decode_bundle(bundle, MAX_SBOM_BYTES)
    key = envelope.signer(trusted.keys_for(EVIDENCE))
    data = parse_object(envelope.payload, _WHAT, largest=MAX_SBOM_BYTES)
    for name, expected in (("_type", STATEMENT_TYPE), ("predicateType", SBOM_TYPE)):
        if (value := text_of(data, name, _WHAT)) != expected:
            raise malformed(_WHAT, f"has {name} {value[:80]!r}, not {expected!r}")
    document = object_at(data, "predicate", _WHAT)
    stated = time_of(text_of(object_at(document, "metadata", _WHAT), "timestamp", _WHAT), _WHAT)
    principal = trusted.principal(key, EVIDENCE, builders, stated, now)
    about = data.get("subject")
    if about != [{**_first(about), "digest": {"sha256": digest.removeprefix("sha256:")}}]:
        raise OtherSubjectError(
            f"the bill of materials is about another image, not {digest[:19]}",
            remedy="Somebody attached it to this one.",
        )
    return VerifiedSbom(document, stated, principal, key.fingerprint)


def find_sbom(
    bundles: Iterable[bytes], trusted: TrustedKeys, digest: str, builders: Collection[str], now: datetime
) -> VerifiedSbom | None:
    """The newest one that holds; None without any. EvidenceError where none of several holds."""
    proven: list[VerifiedSbom] = []
    errors: list[EvidenceError] = []
    for bundle in bundles:
        try:
            proven.append(verify_sbom(bundle, trusted, digest, builders, now))
        except EvidenceError as error:
            errors.append(error)
    if errors and not proven:
        raise errors[0]
    return max(proven, key=lambda each: each.stated, default=None)


def _first(subjects: Any) -> dict[str, Any]:
    return subjects[0] if isinstance(subjects, list) and subjects and isinstance(subjects[0], dict) else {}
