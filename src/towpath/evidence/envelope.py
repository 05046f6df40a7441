"""DSSE envelopes (Dead Simple Signing Envelope, version 1): a payload and exactly one signature over it."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towpath.errors import UntrustedSignatureError
from towpath.evidence.json_text import MAX_BYTES, canonical, malformed, parse_object, text_of
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_WHAT = "a signed envelope"
_KEYS = {"payload", "payloadType", "signatures"}
_SIGNATURE_KEYS = {"sig", "keyid"}
_MAX_SIGNATURE = 4096


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope that was read, and not verified yet: its payload proves nothing."""

    payload: bytes
    signature: bytes

    def signer(self, keys: Iterable[PublicKey]) -> PublicKey:
        """Which of `keys` signed the payload; UntrustedSignatureError when none did."""
        signed = signed_bytes(self.payload)
        tried = 0
        for key in keys:
            tried += 1
            if key.verifies(self.signature, signed):
                return key
        raise UntrustedSignatureError(
            f"none of the {tried} keys that are trusted for this made the signature of the envelope",
            remedy="It was signed with another key, or changed afterwards. `towpath keys list` says whom"
            " this machine trusts; a release is signed again by delivering it again.",
        )

    def to_json(self) -> dict[str, Any]:
        """As DSSE writes it. No key id: cosign refuses one that it does not know."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(self.signature).decode()}],
        }


def sign_envelope(payload: bytes, key: PrivateKey) -> Envelope:
    """The envelope of a payload."""
    return Envelope(payload, key.sign(signed_bytes(payload)))


def encode_envelope(envelope: Envelope) -> bytes:
    """The bytes of the envelope."""
    return canonical(envelope.to_json())


def decode_envelope(content: bytes) -> Envelope:
    """Read an envelope; MalformedEvidenceError for whatever could be read in two ways."""
    return envelope_of(parse_object(content, _WHAT))


def envelope_of(data: dict[str, Any], largest: int = MAX_BYTES) -> Envelope:
    """The envelope in JSON data; its payload has at most `largest` bytes."""
    if unknown := sorted(set(data) - _KEYS):
        raise malformed(_WHAT, f"has the unknown key {unknown[0][:60]!r}")
    payload_type = text_of(data, "payloadType", _WHAT)
    if payload_type != PAYLOAD_TYPE:
        raise malformed(_WHAT, f"holds {payload_type[:60]!r}, not {PAYLOAD_TYPE!r}")
    signatures = data.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        count = len(signatures) if isinstance(signatures, list) else 0
        raise malformed(_WHAT, f"has {count} signatures instead of one")
    signature = signatures[0]
    if not isinstance(signature, dict) or set(signature) - _SIGNATURE_KEYS:
        raise malformed(_WHAT, "has a signature of an unknown form")
    text_of(signature, "keyid", _WHAT, optional=True)  # names no key that could be believed
    payload = _decoded(text_of(data, "payload", _WHAT), "payload", largest)
    return Envelope(payload, _decoded(text_of(signature, "sig", _WHAT), "signature", _MAX_SIGNATURE))


def signed_bytes(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of type and payload."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _decoded(text: str, name: str, largest: int) -> bytes:
    """Base64 in its one canonical form: standard alphabet, padded, no spaces, no bits left over."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(_WHAT, f"has a {name} that is not base64") from None
    if base64.b64encode(decoded).decode() != text:
        raise malformed(_WHAT, f"has a {name} that is not in the canonical form of base64")
    if len(decoded) > largest:
        raise malformed(_WHAT, f"has a {name} of more than {largest} bytes")
    return decoded
