"""Private keys: made, read and used. Their bytes never show: not in `repr`, not in errors."""

from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from towpath.errors import MalformedEvidenceError
from towpath.evidence.json_text import malformed
from towpath.evidence.public_key import EVIDENCE_KINDS, PublicKey
from towpath.evidence.wire import wire_string

AnyPrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


class PrivateKey:
    """A key that signs. `public` is the part that others may see."""

    __slots__ = ("_key", "public")

    def __init__(self, key: AnyPrivateKey) -> None:
        self._key = key
        encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        self.public = PublicKey.parse(key.public_key().public_bytes(encoding, form).decode())

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.fingerprint})"

    @classmethod
    def generate(cls) -> "PrivateKey":
        """A new Ed25519 key: OpenSSH, Git and cosign all take it."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, content: bytes) -> "PrivateKey":
        """The key in an OpenSSH or PEM file without a passphrase."""
        load = (
            serialization.load_ssh_private_key
            if content.lstrip().startswith(_OPENSSH)
            else serialization.load_pem_private_key
        )
        try:
            key = load(content, None)
        except TypeError:
            raise MalformedEvidenceError(
                "the private key has a passphrase, which nobody is there to type",
                remedy="Give the agent a key of its own without one: `towpath keys make`.",
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise malformed("the private key", "is no OpenSSH or PEM key that can be read") from None
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
            raise malformed("the private key", "is of a kind that is not supported")
        return cls(key)

    def openssh_file(self) -> bytes:
        """The content of the private key's file."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
        return self._key.private_bytes(encoding, form, serialization.NoEncryption())

    def sign(self, data: bytes) -> bytes:
        """A plain signature, as `PublicKey.verifies` takes it."""
        key = self._key
        if self.public.kind not in EVIDENCE_KINDS:
            raise MalformedEvidenceError(
                f"a key of the kind {self.public.kind!r} cannot sign release evidence",
                remedy=f"Use one of: {', '.join(EVIDENCE_KINDS)}. `towpath keys make` makes the first.",
            )
        if isinstance(key, EllipticCurvePrivateKey):
            return key.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(key, RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return key.sign(data)

    def sign_ssh(self, data: bytes) -> bytes:
        """A signature in SSH's encoding, as `PublicKey.verifies_ssh` takes it."""
        key, algorithm = self._key, self.public.kind
        if isinstance(key, RSAPrivateKey):
            algorithm, raw = "rsa-sha2-512", key.sign(data, padding.PKCS1v15(), hashes.SHA512())
        elif isinstance(key, EllipticCurvePrivateKey):
            numbers = decode_dss_signature(key.sign(data, ec.ECDSA(_curve_hash(key))))
            raw = b"".join(wire_string(_mpint(number)) for number in numbers)
        else:
            raw = key.sign(data)
        return wire_string(algorithm.encode()) + wire_string(raw)


def _curve_hash(key: EllipticCurvePrivateKey) -> hashes.HashAlgorithm:
    return {256: hashes.SHA256(), 384: hashes.SHA384()}.get(key.key_size, hashes.SHA512())


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1)
