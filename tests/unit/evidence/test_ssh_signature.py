"""SSH signatures: OpenSSH verifies ours, we verify OpenSSH's, and neither takes a changed one."""

import base64
import subprocess
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.keys import KEYS, SecurityKey
from towpath.errors import EvidenceError, MalformedEvidenceError, UntrustedSignatureError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.ssh_signature import parse_ssh_signature, sign_text
from towpath.evidence.wire import wire_string

KEY = KEYS["ed25519"]
SIGNATURE = sign_text(b"text", "towpath", KEY)


def openssh_accepts(folder: Path, key: PublicKey, message: bytes, signature: str) -> bool:
    (folder / "allowed").write_text(f"alice {key.openssh}\n")
    (folder / "sig").write_text(signature)
    options: list[str | Path] = [
        "-f",
        folder / "allowed",
        "-I",
        "alice",
        "-n",
        "towpath",
        "-s",
        folder / "sig",
    ]
    return not subprocess.run(
        ["ssh-keygen", "-Y", "verify", *options], input=message, capture_output=True, check=False
    ).returncode


def armored(blob: bytes) -> str:
    text = base64.b64encode(blob).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n"


@pytest.mark.parametrize("kind", KEYS)
def test_openssh_verifies_our_signature(kind: str, tmp_path: Path) -> None:
    signature = sign_text(b"text", "towpath", KEYS[kind])
    assert openssh_accepts(tmp_path, KEYS[kind].public, b"text", signature)
    assert not openssh_accepts(tmp_path, KEYS[kind].public, b"other", signature)
    parse_ssh_signature(signature).require(b"text", "towpath")


def test_openssh_takes_a_security_keys_signature_as_we_do(tmp_path: Path) -> None:
    key = SecurityKey()
    signature = sign_text(b"text", "towpath", key)  # type: ignore[arg-type]
    assert openssh_accepts(tmp_path, key.public, b"text", signature)
    parse_ssh_signature(signature).require(b"text", "towpath")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_openssh_signatures_are_verified(kind: str, hash_name: str, tmp_path: Path) -> None:
    key, message = tmp_path / "key", b"\0 any \xff bytes \n"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True, capture_output=True)
    signature = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "towpath", "-f", key, "-O", f"hashalg={hash_name}"],
        input=message,
        check=True,
        capture_output=True,
    ).stdout.decode()
    parsed = parse_ssh_signature(signature)
    parsed.require(message, "towpath")
    assert parsed.key == PublicKey.parse((tmp_path / "key.pub").read_text())
    with pytest.raises(UntrustedSignatureError, match="does not hold"):
        parsed.require(message + b" ", "towpath")


def test_a_signature_for_something_else_is_refused() -> None:
    with pytest.raises(UntrustedSignatureError, match="namespace 'towpath', not for 'git'"):
        parse_ssh_signature(SIGNATURE).require(b"text", "git")


def test_line_ends_do_not_matter() -> None:
    for text in (SIGNATURE.replace("\n", "\r\n"), SIGNATURE.rstrip("\n"), f"\n{SIGNATURE}"):
        parse_ssh_signature(text).require(b"text", "towpath")


def fields(**changes: bytes) -> bytes:
    values = {"key": KEY.public.blob, "namespace": b"towpath", "reserved": b"", "hash": b"sha512"}
    values |= {"signature": KEY.sign_ssh(b"x"), **changes}
    return b"SSHSIG\0\0\0\1" + b"".join(map(wire_string, values.values()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin"),
        (SIGNATURE[:100], "does not begin"),
        (SIGNATURE + SIGNATURE, "does not begin"),
        (SIGNATURE + "more", "does not begin"),
        ("some text\n" + SIGNATURE, "does not begin"),
        (SIGNATURE.replace("SSH", "PGP"), "does not begin"),
        (SIGNATURE.replace("U1NIU0lH", "U1NIU0l*"), "does not begin"),
        (SIGNATURE.replace("U1NIU0lH", "U1NIU0l"), "base64|cut off|version|after"),
        ("x" * 20_000, "more than 16384"),
        (armored(b""), "cut off"),
        (armored(b"SSHSIG"), "cut off"),
        (armored(b"SSHSIG\0\0\0\2"), "version"),
        (armored(fields()[:-3]), "cut off"),
        (armored(fields() + b"\0"), "after its end"),
        (armored(fields(hash=b"md5")), "hash that is not known"),
        (armored(fields(hash=b"sha1")), "hash that is not known"),
        (armored(fields(namespace=b"")), "names no namespace"),
        (armored(fields(reserved=b"x")), "names no namespace"),
        (armored(fields(namespace=b"tow\npath")), "not ASCII"),
        (armored(fields(key=wire_string(b"ssh-dss"))), "not supported"),
        (armored(fields(key=b"")), "cut off"),
    ],
    ids=count(),  # the texts hold a key that each test process makes anew
)
def test_what_is_no_signature_is_refused(text: str, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        parse_ssh_signature(text)
    assert caught.value.remedy


@settings(deadline=None)
@given(st.integers(0, len(base64.b64decode("".join(SIGNATURE.splitlines()[1:-1]))) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(at: int, difference: int) -> None:
    blob = bytearray(base64.b64decode("".join(SIGNATURE.splitlines()[1:-1])))
    blob[at] ^= difference
    with pytest.raises(EvidenceError):
        parsed = parse_ssh_signature(armored(bytes(blob)))
        parsed.require(b"text", "towpath")


def test_a_signature_of_another_key_is_not_this_keys() -> None:
    other = PrivateKey.generate()
    with pytest.raises(UntrustedSignatureError, match="does not hold"):
        parse_ssh_signature(armored(fields(key=other.public.blob))).require(b"text", "towpath")
