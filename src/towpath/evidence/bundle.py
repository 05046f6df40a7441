"""Sigstore bundles (version 0.3): an envelope as cosign 3 keeps and verifies it.

What a bundle says of its key beside the envelope proves nothing, and is not read.
"""

import base64
import hashlib

from towpath.evidence.envelope import Envelope, envelope_of
from towpath.evidence.json_text import MAX_BYTES, canonical, malformed, object_at, parse_object, text_of
from towpath.evidence.public_key import PublicKey

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_TYPES = (BUNDLE_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3")
_WHAT = "a Sigstore bundle"


def encode_bundle(envelope: Envelope, key: PublicKey) -> bytes:
    """The bundle of an envelope that `key` signed."""
    digest = hashlib.sha256(key.loaded().der).digest()
    return canonical(
        {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {"publicKey": {"hint": base64.b64encode(digest).decode()}},
            "dsseEnvelope": envelope.to_json(),
        }
    )


def decode_bundle(content: bytes, largest: int = MAX_BYTES) -> Envelope:
    """The envelope in a bundle, of at most `largest` bytes; MalformedEvidenceError when it holds none."""
    data = parse_object(content, _WHAT, largest=2 * largest)  # base64 makes four bytes of three
    media_type = text_of(data, "mediaType", _WHAT)
    if media_type not in _TYPES:
        raise malformed(_WHAT, f"is of the type {media_type[:80]!r}, not {BUNDLE_TYPE!r}")
    if "messageSignature" in data:
        raise malformed(_WHAT, "signs a message instead of a statement")
    return envelope_of(object_at(data, "dsseEnvelope", _WHAT), largest)
