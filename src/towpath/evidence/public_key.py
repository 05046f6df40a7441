"""Public keys in OpenSSH's form: fingerprint, PEM, and whether a signature of theirs holds."""

import base64
import binascii
import hashlib
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
from towpath.evidence.wire import WireReader

AnyPublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
ED25519 = "ssh-ed25519"
P256 = "ecdsa-sha2-nistp256"
RSA = "ssh-rsa"
KINDS = (
    *(ED25519, P256, "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", RSA),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
"""Kinds of keys whose signatures are verified. `sk-` are security keys, which a person touches to sign."""
EVIDENCE_KINDS = (ED25519, P256, RSA)
"""Kinds that sign envelopes, and whose signatures cosign verifies."""
LEAST_RSA_BITS = 2048
_TOUCHED = 0x01
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
class PublicKey:
    """A key as SSH encodes it. Two are equal when their bytes are."""

    blob: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key in `KIND BASE64 [COMMENT]`, as in a `.pub` file."""
        kind, _, rest = text.strip().partition(" ")
        encoded = rest.split(maxsplit=1)[0] if rest.strip() else ""
        try:
            blob = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise malformed("a public key", "is not base64") from None
        key = cls.of_blob(blob)
        if key.kind != kind:
            raise malformed("a public key", f"says {kind[:60]!r} and holds {key.kind!r}")
        return key

    @classmethod
    def of_blob(cls, blob: bytes) -> "PublicKey":
        """The key in SSH's binary form, checked."""
        key = cls(blob)
        key.loaded()
        return key

    @property
    def kind(self) -> str:
        """OpenSSH's name of the kind of key."""
        return WireReader(self.blob, "a public key").text()

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:…`."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"

    @property
    def openssh(self) -> str:
        """`KIND BASE64`."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def pem(self) -> str:
        """PEM of the SubjectPublicKeyInfo, as `cosign --key` takes it."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.loaded().public_bytes(encoding, form).decode()

    def loaded(self) -> AnyPublicKey:
        """The key of the library; MalformedEvidenceError for a key that is broken, unknown or too short."""
        return _load(self.blob)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether a plain signature, as in a DSSE envelope, holds: Ed25519, P-256 or RSA with SHA-256."""
        key = self.loaded()
        if self.kind not in EVIDENCE_KINDS:
            return False
        if isinstance(key, EllipticCurvePublicKey):
            return _holds(lambda: key.verify(signature, data, ec.ECDSA(hashes.SHA256())))
        if isinstance(key, RSAPublicKey):
            return _holds(lambda: key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256()))
        return _holds(lambda: key.verify(signature, data))

    def verifies_ssh(self, signature: bytes, data: bytes) -> bool:
        """Whether a signature in SSH's encoding holds; one that is not of this kind of key does not."""
        reader = WireReader(signature, "a signature")
        algorithm, raw = reader.text(), reader.string()
        if self.kind.startswith("sk-"):
            flags, counter = reader.take(1), reader.take(4)
            reader.end()
            if not flags[0] & _TOUCHED:
                return False  # signed without its owner's touch
            application = hashlib.sha256(self._application()).digest()
            data = application + flags + counter + hashlib.sha256(data).digest()
        reader.end()
        key = self.loaded()
        if isinstance(key, RSAPublicKey):
            rsa_hash = _RSA_HASHES.get(algorithm)  # SHA-1 is not there
            if rsa_hash is None:
                return False
            return _holds(lambda: key.verify(raw, data, padding.PKCS1v15(), rsa_hash))
        if algorithm != self.kind:
            return False
        if isinstance(key, EllipticCurvePublicKey):
            numbers = WireReader(raw, "a signature")
            encoded = encode_dss_signature(numbers.mpint(), numbers.mpint())
            numbers.end()
            return _holds(lambda: key.verify(encoded, data, ec.ECDSA(_CURVE_HASHES[key.curve.name])))
        return _holds(lambda: key.verify(raw, data))

    def _application(self) -> bytes:
        """What a security key signs for (`ssh:`): the last field of its public key."""
        reader = WireReader(self.blob, "a public key")
        fields = 2 if self.kind.startswith("sk-ssh-ed25519") else 3
        for _ in range(fields):
            reader.string()
        return reader.string()


@lru_cache(maxsize=256)
def _load(blob: bytes) -> AnyPublicKey:
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
    return key


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError):
        return False
    return True
