"""A key of each kind that is verified. The security key's device is played by a plain key."""

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.wire import wire_string


class SecurityKey:
    """Signs as an `sk-ssh-ed25519` key does (OpenSSH's PROTOCOL.u2f)."""

    KIND = b"sk-ssh-ed25519@openssh.com"

    def __init__(self) -> None:
        self._device = Ed25519PrivateKey.generate()
        raw = self._device.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.public = PublicKey.of_blob(b"".join(map(wire_string, (self.KIND, raw, b"ssh:"))))

    def sign_ssh(self, data: bytes, flags: int = 1, application: bytes = b"ssh:") -> bytes:
        state = bytes([flags]) + (7).to_bytes(4)
        signed = hashlib.sha256(application).digest() + state + hashlib.sha256(data).digest()
        return wire_string(self.KIND) + wire_string(self._device.sign(signed)) + state


KEYS = {
    "ed25519": PrivateKey.generate(),
    "p256": PrivateKey(ec.generate_private_key(ec.SECP256R1())),
    "p384": PrivateKey(ec.generate_private_key(ec.SECP384R1())),
    "p521": PrivateKey(ec.generate_private_key(ec.SECP521R1())),
    "rsa": PrivateKey(rsa.generate_private_key(65537, 2048)),
}
