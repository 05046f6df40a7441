"""What `towpath approve --sign` signs, by a real key of ssh-keygen, and which key it takes."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from towpath.cli.ui.signing import key_file, sign_answer
from towpath.config import parse_config
from towpath.errors import MissingPartError
from towpath.gates.signed_approval import AskedApproval, approval_keys, verify_signed
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server

ASKED = {
    "app": "hello",
    "environment": "prod",
    "release": "sha256:" + "a" * 64,
    "manifests": "sha256:" + "e" * 64,
    "base_commit": "b" * 40,
}


class Asking:
    """A server whose run asks that."""

    def asked(self, run: object) -> dict[str, str]:
        assert run is RUN
        return ASKED


RUN = cast(Run, object())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def make(home: Path, name: str, kind: str = "ed25519") -> Path:
    path = home / ".ssh" / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_the_statement_is_about_what_the_run_asks_and_verifies(home: Path, kind: str) -> None:
    key = make(home, f"id_{kind}", kind)
    public = " ".join((home / ".ssh" / f"id_{kind}.pub").read_text().split()[:2])
    config = parse_config(f"""\
apiVersion: towpath.dev/v2
people: {{alice: {{addresses: [alice@example.com], keys: [{public}]}}}}
environments:
  - {{name: prod, namespace: prod, gate: {{approvals: {{required: 1, from: [alice], expires: 2h}}}}}}
""")
    options: dict[str, Any] = {"approver": "ALICE@example.com", "reason": " fine ", "key": key}
    text = sign_answer(cast(Server, Asking()), RUN, config, decision="approve", **options)
    asked = AskedApproval("hello", "prod", ASKED["release"], ASKED["manifests"])
    statement, person = verify_signed(
        text, asked, approval_keys(config.who(), None), config.who(), datetime.now(UTC)
    )
    assert (person, statement.approver, statement.reason) == ("alice", "alice", "fine")
    assert statement.base_commit == ASKED["base_commit"]
    lasts = datetime.fromisoformat(statement.expires) - statement.made
    assert 7190 < lasts.total_seconds() <= 7200


def test_the_own_key_is_the_first_that_is_there(home: Path) -> None:
    with pytest.raises(MissingPartError, match="there is no key to sign with"):
        key_file(None, home)
    rsa = home / ".ssh" / "id_rsa"
    rsa.write_text("x")
    assert key_file(None, home) == rsa
    public = home / ".ssh" / "id_ed25519.pub"
    public.write_text("x")  # its private part is in ssh-agent
    assert key_file(None, home) == public
    assert key_file(home / "other", home) == home / "other"
