"""`towpath keys`: a folder's life, told in text and JSON; private keys are never printed."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from towpath.cli.main import main
from towpath.evidence.private_key import PrivateKey


class Keys:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "keys"
        self.printed = ""

    def towpath(self, *args: str) -> Result:
        result = CliRunner(env={"TOWPATH_KEYS": str(self.folder)}).invoke(main, ["keys", *args])
        self.printed += result.output
        return result

    def list(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.towpath("list", "--output", "json").output)
        return found


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def test_the_life_of_a_key(keys: Keys) -> None:
    assert "no keys in" in keys.towpath("list").output
    made = keys.towpath("make", "prod")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("made key SHA256:")
    (first,) = keys.list()
    assert (first["names"], first["uses"], first["state"], first["private"]) == (
        ["prod"],
        ["commits", "evidence"],
        "valid",
        True,
    )
    rotated = json.loads(keys.towpath("rotate", "prod", "--output", "json").output)
    assert rotated["retired"] == [first["fingerprint"]]
    old, new = keys.list()
    assert (old["state"], old["private"], new["state"], new["private"]) == ("retired", False, "valid", True)
    assert "is deleted" in keys.towpath("retire", "prod").output
    assert [row["state"] for row in keys.list()] == ["retired", "retired"]
    assert "trusted no more" in keys.towpath("retire", "prod", "--stolen").output
    assert keys.list() == []


def test_a_persons_key_is_trusted_for_approvals(keys: Keys, tmp_path: Path) -> None:
    public = PrivateKey.generate().public
    (tmp_path / "id.pub").write_text(f"{public.openssh} alice@laptop\n")
    told = keys.towpath("trust", "alice@example.com", str(tmp_path / "id.pub"))
    assert told.output == f"trust key {public.fingerprint} as alice@example.com's\n"
    (row,) = keys.list()
    assert (row["uses"], row["private"]) == (["approvals"], False)
    line = keys.towpath("list").output
    assert line == f"alice@example.com  {public.fingerprint}  valid  signs approvals\n"
    again = keys.towpath("trust", "alice@example.com", str(tmp_path / "id.pub"))
    assert again.exit_code == 1
    assert "is there already" in str(again.exception)


def test_uses_are_chosen(keys: Keys) -> None:
    keys.towpath("make", "board", "--use", "approvals")
    keys.towpath("make", "all", "--use", "approvals", "--use", "commits", "--use", "evidence")
    assert [row["uses"] for row in keys.list()] == [["approvals"], ["approvals", "commits", "evidence"]]


def test_the_public_part_is_shown(keys: Keys, tmp_path: Path) -> None:
    keys.towpath("make", "build")
    line = keys.towpath("show", "build").output
    assert line == (keys.folder / "build.pub").read_text()
    pem = keys.towpath("show", "build", "--format", "pem").output
    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    told = subprocess.run(
        ["openssl", "pkey", "-pubin", "-noout", "-text"], input=pem.encode(), capture_output=True, check=False
    )
    assert told.returncode == 0
    shown = json.loads(keys.towpath("show", "build", "--output", "json").output)
    assert (shown["pem"], f"{shown['openssh']} build\n") == (pem, line)


def test_an_earlier_key_is_shown_by_its_fingerprint(keys: Keys) -> None:
    keys.towpath("make", "build")
    first = json.loads(keys.towpath("show", "build", "--output", "json").output)
    keys.towpath("rotate", "build", "--overlap", "1d")
    newest = json.loads(keys.towpath("show", "build", "--output", "json").output)
    assert newest["fingerprint"] != first["fingerprint"]
    shown = keys.towpath("show", "build", "--fingerprint", first["fingerprint"], "--output", "json").output
    assert json.loads(shown) == first


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["make", "*"], "no name"),
        (["make", "a,b"], "no name"),
        (["make", "../up"], "a key's name has"),
        (["make", "prod"], "there is a key prod"),
        (["rotate", "staging"], "unknown key 'staging'"),
        (["retire", "prdo"], "Did you mean prod?"),
        (["show", "staging"], "unknown key 'staging'"),
        (["show", "prod", "--fingerprint", "SHA256:none"], "unknown key 'SHA256:none'"),
        (["rotate", "prod", "--overlap", "soon"], "must be a duration"),
        (["trust", "alice", "/none.pub"], "unknown public key"),
    ],
)
def test_what_is_wrong_is_told(keys: Keys, args: list[str], said: str) -> None:
    keys.towpath("make", "prod")
    result = keys.towpath(*args)
    assert result.exit_code != 0
    assert said in f"{result.output}{result.exception}"
    assert len(keys.list()) == 1


def test_no_command_prints_a_private_key(keys: Keys, tmp_path: Path) -> None:
    keys.towpath("make", "prod")
    secret = (keys.folder / "prod").read_text().splitlines()[3]
    for args in (
        ["list"],
        ["list", "--output", "json"],
        ["show", "prod"],
        ["show", "prod", "--output", "json"],
        ["trust", "alice", str(keys.folder / "prod")],
        ["make", "prod"],
        ["rotate", "prod", "--output", "json"],
        ["retire", "prod"],
    ):
        result = keys.towpath(*args)
        keys.printed += str(result.exception)
    assert secret not in keys.printed
    assert "PRIVATE KEY" not in keys.printed
