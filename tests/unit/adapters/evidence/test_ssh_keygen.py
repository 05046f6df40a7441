"""`ssh-keygen` signs: with a key file, with ssh-agent; what it refuses is told."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.evidence.examples import APPROVAL, NOW
from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
from towpath.errors import MissingPartError, TerminalError
from towpath.evidence.approval import encode_approval
from towpath.evidence.public_key import PublicKey
from towpath.evidence.ssh_signature import parse_ssh_signature
from towpath.evidence.trusted_keys import APPROVALS, TrustedKey, TrustedKeys
from towpath.evidence.verification import verify_approval

CONTENT = b"what is signed\n"


def new_key(folder: Path, *, passphrase: str = "", kind: str = "ed25519") -> Path:
    path = folder / "key"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh-agent of our own."""
    told = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    for name in ("SSH_AUTH_SOCK", "SSH_AGENT_PID"):
        match = re.search(rf"{name}=([^;]+);", told)
        assert match
        monkeypatch.setenv(name, match[1])
    yield
    subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_file_signs(kind: str, tmp_path: Path) -> None:
    key = new_key(tmp_path, kind=kind)
    signature = parse_ssh_signature(sign_with_ssh(CONTENT, key, "towpath"))
    signature.require(CONTENT, "towpath")
    assert signature.key == PublicKey.parse((tmp_path / "key.pub").read_text())


def test_what_a_person_signs_is_proof(tmp_path: Path) -> None:
    key, content = new_key(tmp_path), encode_approval(APPROVAL)
    public = PublicKey.parse((tmp_path / "key.pub").read_text())
    trusted = TrustedKeys((TrustedKey(("alice",), public, (APPROVALS,)),))
    verified = verify_approval(content, sign_with_ssh(content, key, APPROVALS), trusted, NOW)
    assert (verified.statement, verified.kind) == (APPROVAL, "signed")


@pytest.mark.usefixtures("agent")
def test_the_agent_signs_with_the_public_file(tmp_path: Path) -> None:
    key = new_key(tmp_path)
    subprocess.run(["ssh-add", "-q", key], check=True, capture_output=True)
    key.unlink()
    parse_ssh_signature(sign_with_ssh(CONTENT, tmp_path / "key.pub", "towpath")).require(CONTENT, "towpath")


@pytest.mark.usefixtures("agent")
def test_a_key_that_the_agent_lacks_is_told(tmp_path: Path) -> None:
    key = new_key(tmp_path)
    key.unlink()
    with pytest.raises(TerminalError, match="does not sign with") as caught:
        sign_with_ssh(CONTENT, tmp_path / "key.pub", "towpath")
    assert "ssh-add" in (caught.value.remedy or "")


def test_a_passphrase_is_asked_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSH_AUTH_SOCK", "DISPLAY", "SSH_ASKPASS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(TerminalError, match="does not sign with") as caught:
        sign_with_ssh(CONTENT, new_key(tmp_path, passphrase="canary-passphrase"), "towpath", timeout=20)
    assert "ssh-add" in (caught.value.remedy or "")
    assert "canary" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = new_key(tmp_path)
    key.chmod(0o644)
    with pytest.raises(TerminalError, match="does not sign with"):
        sign_with_ssh(CONTENT, key, "towpath")


def test_a_missing_key_or_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingPartError, match="there is no key file"):
        sign_with_ssh(CONTENT, tmp_path / "none", "towpath")
    key = new_key(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="lacks ssh-keygen") as caught:
        sign_with_ssh(CONTENT, key, "towpath")
    assert "openssh-client" in (caught.value.remedy or "")
