"""Public keys of each kind: read as OpenSSH writes them, and what their signatures must be."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.keys import KEYS, SecurityKey
from towpath.errors import MalformedEvidenceError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.wire import wire_string


@pytest.mark.parametrize("kind", KEYS)
def test_a_signature_holds_for_its_text_and_key_only(kind: str) -> None:
    key = KEYS[kind]
    signature = key.sign_ssh(b"text")
    assert key.public.verifies_ssh(signature, b"text")
    assert not key.public.verifies_ssh(signature, b"texT")
    assert not PrivateKey.generate().public.verifies_ssh(signature, b"text")
    for at in range(0, len(signature), 7):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        with contextlib.suppress(MalformedEvidenceError):
            assert not key.public.verifies_ssh(changed, b"text")


@pytest.mark.parametrize("kind", ["ed25519", "p256", "rsa"])
def test_a_plain_signature_holds_for_its_text_and_key_only(kind: str) -> None:
    key = KEYS[kind]
    signature = key.sign(b"text")
    assert key.public.verifies(signature, b"text")
    assert not key.public.verifies(signature, b"other")
    assert not key.public.verifies(signature[:-1], b"text")
    assert not key.public.verifies(b"", b"text")
    assert not PrivateKey.generate().public.verifies(signature, b"text")


@pytest.mark.parametrize("kind", KEYS)
def test_openssh_reads_the_same_key(kind: str, tmp_path: Path) -> None:
    key = KEYS[kind].public
    assert PublicKey.parse(f"{key.openssh} a comment") == key
    (tmp_path / "key.pub").write_text(f"{key.openssh}\n")
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], check=True, capture_output=True, text=True
    ).stdout
    assert key.fingerprint in told
    assert serialization.load_pem_public_key(key.pem.encode()) == key.loaded().key


def test_a_security_key_must_be_touched() -> None:
    key = SecurityKey()
    assert key.public.verifies_ssh(key.sign_ssh(b"text"), b"text")
    assert not key.public.verifies_ssh(key.sign_ssh(b"text", flags=0), b"text")
    assert not key.public.verifies_ssh(key.sign_ssh(b"text", application=b"https://example.com"), b"text")


def test_sha1_signatures_of_rsa_do_not_hold() -> None:
    key = KEYS["rsa"]
    raw = key.sign_ssh(b"text")
    assert not key.public.verifies_ssh(raw.replace(b"rsa-sha2-512", b"rsa-sha2-256"), b"text")
    assert not key.public.verifies_ssh(wire_string(b"ssh-rsa") + wire_string(b"x" * 256), b"text")


def openssh(key: Ed25519PrivateKey | EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(encoding, form).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds|cut off"),
        ("ssh-ed25519", "holds|cut off"),
        ("ssh-ed25519 !!!!", "not base64"),
        ("ssh-ed25519 AAAA", "cut off"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", "damaged|cut off"),
        (openssh(ec.generate_private_key(ec.SECP256R1())).replace("nistp256", "nistp384", 1), "says"),
        (openssh(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (
            "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
            "not supported",
        ),
    ],
)
def test_a_key_that_is_broken_or_weak_is_refused(text: str, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        PublicKey.parse(text)
    assert caught.value.remedy


def test_dsa_is_refused() -> None:
    key = dsa.generate_private_key(1024).public_key().public_numbers()
    domain = key.parameter_numbers
    numbers = (domain.p, domain.q, domain.g, key.y)
    encoded = [number.to_bytes(number.bit_length() // 8 + 1) for number in numbers]
    blob = b"".join(map(wire_string, (b"ssh-dss", *encoded)))
    with pytest.raises(MalformedEvidenceError, match="'ssh-dss' is not supported"):
        PublicKey.of_blob(blob)


@settings(deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_bytes_are_no_signature(signature: bytes, data: bytes) -> None:
    for key in KEYS.values():
        assert not key.public.verifies(signature, data)
        with contextlib.suppress(MalformedEvidenceError):
            assert not key.public.verifies_ssh(signature, data)
