"""Public keys as `cryptography` has them: whether they are sound, and whether a signature of theirs holds."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from towpath.errors import MalformedEvidenceError
from towpath.evidence.json_text import malformed
from towpath.evidence.public_key import KINDS
from towpath.evidence.wire import WireReader

AnyPublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
LEAST_RSA_BITS = 2048
_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A key that was read, and is long enough."""

    key: AnyPublicKey

    @property
    def pem(self) -> str:
        """PEM of the SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def der(self) -> bytes:
        """DER of the SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_bytes(serialization.Encoding.DER, form)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether a plain signature holds, with SHA-256 unless the key is of Ed25519."""
        key = self.key
        if isinstance(key, EllipticCurvePublicKey):
            return _holds(lambda: key.verify(signature, data, ec.ECDSA(hashes.SHA256())))
        if isinstance(key, RSAPublicKey):
            return _holds(lambda: key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256()))
        return _holds(lambda: key.verify(signature, data))

    def verifies_ssh(self, algorithm: str, raw: bytes, data: bytes) -> bool:
        """Whether what SSH's encoding of a signature holds is one; the algorithm says the hash of RSA's."""
        key = self.key
        if isinstance(key, RSAPublicKey):
            rsa_hash = _RSA_HASHES.get(algorithm)  # SHA-1 is not there
            if rsa_hash is None:
                return False
            return _holds(lambda: key.verify(raw, data, padding.PKCS1v15(), rsa_hash))
        if isinstance(key, EllipticCurvePublicKey):
            numbers = WireReader(raw, "a signature")
            encoded = encode_dss_signature(numbers.mpint(), numbers.mpint())
            numbers.end()
            return _holds(lambda: key.verify(encoded, data, ec.ECDSA(_CURVE_HASHES[key.curve.name])))
        return _holds(lambda: key.verify(raw, data))


@lru_cache(maxsize=256)
def load(blob: bytes) -> LoadedKey:
    """The key in SSH's binary form; MalformedEvidenceError when it is broken, unknown or too short."""
    kind = WireReader(blob, "a public key").text()
    if kind not in KINDS:
        raise MalformedEvidenceError(
            f"a public key of the kind {kind[:60]!r} is not supported",
            remedy=f"Use one of: {', '.join(KINDS)}. `towpath keys make` makes the first.",
        )
    line = f"{kind} {base64.b64encode(blob).decode()}".encode()
    try:
        key = serialization.load_ssh_public_key(line)
    except (ValueError, UnsupportedAlgorithm):
        raise malformed("a public key", "is damaged") from None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise MalformedEvidenceError(
            f"an RSA key has {key.key_size} bits, fewer than {LEAST_RSA_BITS}",
            remedy="Make a new key: `towpath keys make`, or `ssh-keygen -t ed25519`.",
        )
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey):
        raise malformed("a public key", "is of another kind than it says")
    return LoadedKey(key)


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError):
        return False
    return True
