"""Public keys in OpenSSH's form: fingerprint, PEM, and whether a signature of theirs holds."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from towpath.evidence.json_text import malformed
from towpath.evidence.wire import WireReader

if TYPE_CHECKING:
    from towpath.evidence.loaded_key import LoadedKey

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
_TOUCHED = 0x01


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
        return self.loaded().pem

    def loaded(self) -> "LoadedKey":
        """The key of the library; MalformedEvidenceError for a key that is broken, unknown or too short."""
        # 9 MB, which a command pays that reads a key.
        from towpath.evidence.loaded_key import load

        return load(self.blob)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether a plain signature, as in a DSSE envelope, holds: Ed25519, P-256 or RSA with SHA-256."""
        key = self.loaded()
        return self.kind in EVIDENCE_KINDS and key.verifies(signature, data)

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
        return self.kind in (RSA, algorithm) and key.verifies_ssh(algorithm, raw, data)

    def _application(self) -> bytes:
        """What a security key signs for (`ssh:`): the last field of its public key."""
        reader = WireReader(self.blob, "a public key")
        fields = 2 if self.kind.startswith("sk-ssh-ed25519") else 3
        for _ in range(fields):
            reader.string()
        return reader.string()
