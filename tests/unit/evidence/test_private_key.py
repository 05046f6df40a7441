import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.evidence.keys import KEYS
from towpath.errors import MalformedEvidenceError
from towpath.evidence.private_key import PrivateKey

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
NO_PASSPHRASE = serialization.NoEncryption()


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_read_as_it_was_written(kind: str) -> None:
    assert PrivateKey.parse(KEYS[kind].openssh_file()).public == KEYS[kind].public


def test_openssh_reads_a_new_key(tmp_path: Path) -> None:
    key = PrivateKey.generate()
    (tmp_path / "key").write_bytes(key.openssh_file())
    (tmp_path / "key").chmod(0o600)
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", tmp_path / "key"], check=True, capture_output=True, text=True
    ).stdout
    assert told.strip().startswith(key.public.openssh)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_openssh_is_read(kind: str, tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / "key"], check=True, capture_output=True
    )
    key = PrivateKey.parse((tmp_path / "key").read_bytes())
    assert (tmp_path / "key.pub").read_text().startswith(key.public.openssh)


def test_a_pem_key_is_read() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NO_PASSPHRASE)
    assert PrivateKey.parse(pem).public.kind == "ecdsa-sha2-nistp256"


def encrypted(form: serialization.PrivateFormat) -> bytes:
    passphrase = serialization.BestAvailableEncryption(b"canary-passphrase")
    return Ed25519PrivateKey.generate().private_bytes(PEM, form, passphrase)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot|can be read"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "can be read"),
        (PrivateKey.generate().openssh_file()[:200], "can be read"),
        (encrypted(PKCS8), "passphrase"),
        (x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, NO_PASSPHRASE), "not supported"),
    ],
)
def test_what_is_no_key_that_signs_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        PrivateKey.parse(content)
    assert caught.value.remedy
    assert "PRIVATE" not in str(caught.value)


def test_a_key_does_not_show_its_bytes() -> None:
    key = PrivateKey.generate()
    secret = key.openssh_file().splitlines()[3].decode()
    assert repr(key) == f"PrivateKey({key.public.fingerprint})"
    assert secret not in repr(key)


@pytest.mark.parametrize("kind", ["p384", "p521"])
def test_what_cosign_does_not_take_signs_no_evidence(kind: str) -> None:
    with pytest.raises(MalformedEvidenceError, match="cannot sign release evidence"):
        KEYS[kind].sign(b"text")
