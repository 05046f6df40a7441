"""SSH signatures of texts (OpenSSH's PROTOCOL.sshsig): what `ssh-keygen -Y sign` and Git write."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from towpath.errors import UntrustedSignatureError
from towpath.evidence.json_text import malformed
from towpath.evidence.public_key import PublicKey
from towpath.evidence.wire import WireReader, wire_string

if TYPE_CHECKING:
    from towpath.evidence.private_key import PrivateKey

MAX_CHARACTERS = 16 * 1024
"""Of a signature's text; one by an RSA key of 16384 bits has 6,000."""
_MAGIC = b"SSHSIG"
_VERSION = 1
_ARMOR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----(?:\r?\n)?"
)
_WHAT = "an SSH signature"
_HASHES = ("sha256", "sha512")


@dataclass(frozen=True, slots=True)
class SshSignature:
    """A signature that was read, and not verified yet: whose key it names proves nothing."""

    key: PublicKey
    namespace: str
    hash_name: str
    signature: bytes

    def require(self, message: bytes, namespace: str) -> None:
        """Raise UntrustedSignatureError unless this is the key's signature of `message` for `namespace`."""
        if self.namespace != namespace:
            raise UntrustedSignatureError(
                f"the signature is for the namespace {self.namespace[:60]!r}, not for {namespace!r}",
                remedy=f"Sign again with `ssh-keygen -Y sign -n {namespace}`.",
            )
        if not self.key.verifies_ssh(self.signature, _signed_data(message, namespace, self.hash_name)):
            raise UntrustedSignatureError(
                f"the signature by key {self.key.fingerprint} does not hold:"
                " what was signed is another text, or the signature was changed",
                remedy="Somebody may have changed it after it was signed. Have it signed again.",
            )


def parse_ssh_signature(text: str) -> SshSignature:
    """Read the text between BEGIN and END SSH SIGNATURE; MalformedEvidenceError for anything else."""
    if len(text) > MAX_CHARACTERS:
        raise malformed(_WHAT, f"has more than {MAX_CHARACTERS} characters")
    armor = _ARMOR.fullmatch(text.lstrip("\r\n"))
    if armor is None:
        raise malformed(_WHAT, "does not begin with BEGIN and end with END SSH SIGNATURE")
    encoded = armor[1].replace("\r", "").replace("\n", "")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(_WHAT, "is not base64") from None
    if base64.b64encode(blob).decode() != encoded:
        raise malformed(_WHAT, "is not in the canonical form of base64")
    reader = WireReader(blob, _WHAT)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.uint32() != _VERSION:
        raise malformed(_WHAT, "is of a version that is not known")
    key = PublicKey.of_blob(reader.string())
    namespace, reserved = reader.text(), reader.string()
    hash_name, signature = reader.text(), reader.string()
    reader.end()
    if not namespace or reserved or hash_name not in _HASHES:
        raise malformed(_WHAT, "names no namespace, or a hash that is not known")
    return SshSignature(key, namespace, hash_name, signature)


def sign_text(message: bytes, namespace: str, key: "PrivateKey") -> str:
    """The signature of `message`, as `ssh-keygen -Y sign -n NAMESPACE` writes it."""
    hash_name = "sha512"
    signature = key.sign_ssh(_signed_data(message, namespace, hash_name))
    fields = (key.public.blob, namespace.encode(), b"", hash_name.encode(), signature)
    blob = _MAGIC + _VERSION.to_bytes(4) + b"".join(map(wire_string, fields))
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def _signed_data(message: bytes, namespace: str, hash_name: str) -> bytes:
    digest = hashlib.new(hash_name, message).digest()
    return _MAGIC + b"".join(map(wire_string, (namespace.encode(), b"", hash_name.encode(), digest)))
