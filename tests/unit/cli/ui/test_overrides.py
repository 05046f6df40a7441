"""An owner signs on the command line; whoever is none is told before a run is started."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tests.keys import make_keys
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder, read_trusted_keys
from towpath.cli.main import main
from towpath.cli.ui.overrides import sign_override
from towpath.errors import EvidenceError, RefusedError
from towpath.evidence.trusted_keys import APPROVALS, POLICY
from towpath.gates.override import parse_signed, verify_override
from towpath.settings import Settings

RELEASE = "sha256:" + "a" * 64


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    folder = make_keys(tmp_path / "keys")
    make_key(folder, "olga", (POLICY,))
    make_key(folder, "alice", (APPROVALS,))
    return folder


def sign(keys: KeyFolder, **changes: Any) -> str:
    settings = Settings.load({"HOME": str(keys.path), "TOWPATH_TRUSTED_KEYS": str(keys.trusted_file)})
    given: dict[str, Any] = {
        "reason": "prod is down",
        "owner": "olga",
        "key": keys.private_file("olga"),
        "yes": True,
    }
    return sign_override(settings, "hello", "prod", RELEASE, "gate", **{**given, **changes})


def test_what_is_signed_is_shown_and_counts(keys: KeyFolder, capsys: pytest.CaptureFixture[str]) -> None:
    text = sign(keys)
    trusted = read_trusted_keys(keys.trusted_file)
    said = verify_override(*parse_signed(text), trusted, datetime.now(UTC)).statement
    assert (said.app, said.environment, said.release, said.waives) == ("hello", "prod", RELEASE, "gate")
    assert (said.owner, said.reason) == ("olga", "prod is down")
    shown = capsys.readouterr()
    assert '"reason": "prod is down"' in shown.err
    assert shown.out == "", "that is for JSON"


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"owner": "alice"}, EvidenceError, "'alice' is no owner of the policy"),
        ({"key": "alice"}, EvidenceError, "is alice's, and only olga may sign this"),
        ({"key": "prod"}, EvidenceError, "is prod's, and only olga may sign this"),
        ({"reason": None}, click.UsageError, "give --reason TEXT and --key FILE"),
        ({"reason": ""}, click.UsageError, "give --reason TEXT and --key FILE"),
        ({"reason": "x" * 1001}, EvidenceError, "must have a reason of at most 1000 characters"),
        ({"key": None}, click.UsageError, "give --reason TEXT and --key FILE"),
        ({"owner": None}, RefusedError, "--yes was given without a name"),
        ({"yes": False}, RefusedError, "there is no terminal to ask on"),
    ],
)
def test_who_may_not_is_told_at_once(
    keys: KeyFolder, changes: dict[str, Any], error: type[Exception], why: str
) -> None:
    if changes.get("key"):
        changes = {"key": keys.private_file(changes["key"])}
    with pytest.raises(error, match=why):
        sign(keys, **changes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("promote", "hello", "--to", "prod", "--reason", "x"), "--reason: only with --break-glass"),
        (("promote", "hello", "--to", "prod", "--as", "olga", "--yes"), "only with --break-glass"),
        (("rollback", "hello", "prod", "--key", "/k"), "--key: only with --override-quarantine"),
    ],
)
def test_an_owners_options_are_for_overrides_only(arguments: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert says in done.output
