"""Answers and policies that a person signs by the own SSH key, from a file, ssh-agent or a security key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
from towpath.config import Config
from towpath.errors import MissingPartError, RefusedError
from towpath.evidence.approval import ApprovalStatement, Decision, encode_approval
from towpath.evidence.trusted_keys import APPROVALS
from towpath.gates.signed_approval import join_signed
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server

DEFAULT_KEYS = ("id_ed25519_sk", "id_ed25519", "id_ecdsa_sk", "id_ecdsa", "id_rsa")
"""Files in ~/.ssh, as ssh itself tries them; those of security keys first."""
LIFETIME = timedelta(days=7)
"""Where this machine cannot read what the environment says."""


def key_file(named: Path | None, home: Path) -> Path:
    """The key that is named, or the first of a person's own; MissingPartError where there is none."""
    if named is not None:
        return named
    own = (home / ".ssh" / f"{name}{suffix}" for name in DEFAULT_KEYS for suffix in ("", ".pub"))
    found = next((each for each in own if each.is_file()), None)
    if found is None:
        raise MissingPartError(
            f"there is no key to sign with in {home / '.ssh'}",
            remedy="Name yours by --key FILE, or its `.pub` file when ssh-agent holds it.",
        )
    return found


def sign_answer(  # noqa: PLR0913
    server: Server,
    run: Run,
    config: Config | None,
    *,
    decision: Decision,
    approver: str,
    reason: str,
    key: Path | None,
) -> str:
    """The signed statement about what a waiting run asks: the form's `statement`."""
    asked = server.asked(run)
    if not asked:
        raise RefusedError(
            f"{run.name} does not say what it asks, so nothing can be signed",
            remedy="A former version of Towpath asks: answer without --sign, and it is asked anew.",
        )
    now = datetime.now(UTC)
    lifetime = config.environment(asked["environment"]).gate.approvals.expires if config else LIFETIME
    statement = ApprovalStatement(
        app=asked["app"],
        environment=asked["environment"],
        release=asked["release"],
        manifests=asked["manifests"],
        decision=decision,
        approver=config.who().person(approver) if config else approver,
        at=now.isoformat(timespec="milliseconds"),
        expires=(now + lifetime).isoformat(timespec="seconds"),
        reason=reason.strip(),
        base_commit=asked.get("base_commit", ""),
    )
    content = encode_approval(statement)
    return join_signed(content, sign_with_ssh(content, key_file(key, Path.home()), APPROVALS))
