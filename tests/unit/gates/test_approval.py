"""An approval is by somebody who may, for exactly this, and not for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from towpath.config import parse_config
from towpath.errors import RefusedError
from towpath.gates.approval import Approval, check_approval, is_author

CONFIG = """\
apiVersion: towpath.dev/v2
environments:
  - {name: prod, namespace: prod, gate: {approvals: {required: 1, from: [alice, bob]}}}
"""
PROD = parse_config(CONFIG).environment("prod")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
GOOD = Approval("alice", DIGEST, "sha256:plan", "prod", "hello", "2026-01-01T23:00:00Z", "approve")


def check(approval: Approval, author: str = "Carol <carol@example.com>") -> None:
    check_approval(approval, PROD, "hello", DIGEST, "sha256:plan", author, NOW)


def test_a_good_approval_passes() -> None:
    check(GOOD)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"approver": "eve"}, "'eve' may not approve in prod"),
        ({"digest": "sha256:" + "b" * 64}, "another digest: bbbbbbbbbbbb, not aaaaaaaaaaaa"),
        ({"manifests": "sha256:other"}, "another manifests"),
        ({"environment": "staging"}, "another environment"),
        ({"app": "other"}, "another app"),
        ({"at": "2025-12-01T00:00:00Z"}, "expired"),
        ({"at": "2026-02-01T00:00:00Z"}, "which is in the future"),
        ({"at": "yesterday"}, "no valid time"),
        ({"at": "2026-01-01T23:00:00"}, "without a zone"),
        ({"decision": "withdraw"}, "alice has taken the approval of hello in prod back"),
        ({"decision": "reject", "reason": "too late"}, "alice rejected hello in prod: too late"),
    ],
)
def test_every_other_one_is_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        check(replace(GOOD, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "author", ["alice", "Alice", "Alice <a@b.c>", "A. <alice@example.com>", "alice@example.com"]
)
def test_nobody_approves_his_own_work(author: str) -> None:
    with pytest.raises(RefusedError, match="his own work"):
        check(GOOD, author)


def test_a_namesake_in_part_is_somebody_else() -> None:
    assert not is_author("alice", "Alice Smith <asmith@example.com>")
    assert not is_author("alice", "")


def test_an_environment_says_how_long_an_approval_counts() -> None:
    prod = parse_config(CONFIG.replace("required: 1", "required: 1, expires: 1h")).environment("prod")
    arguments = (prod, "hello", DIGEST, "sha256:plan", "carol")
    check_approval(GOOD, *arguments, NOW - timedelta(seconds=1))
    with pytest.raises(RefusedError, match=r"alice's approval of .* has expired: it counts for 1:00:00"):
        check_approval(GOOD, *arguments, NOW)


def test_there_and_back_as_json() -> None:
    assert Approval.from_json(GOOD.to_json()) == GOOD
    for broken in (
        {},
        {**GOOD.to_json(), "decision": "maybe"},
        {**GOOD.to_json(), "x": "y"},
        {"approver": 1},
    ):
        with pytest.raises(ValueError, match="not an approval"):
            Approval.from_json(broken)
