"""Signed answers: what counts is what the approver's key has signed, about exactly what is asked, in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.gates.test_answer import RELEASE
from tests.unit.gates.test_approval import DIGEST
from towpath.config import parse_config
from towpath.evidence.approval import ApprovalStatement
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signing import sign_approval
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import APPROVALS, POLICY, TrustedKey, TrustedKeys
from towpath.gates.answer import Answer, Judged, Question, judge, question_markdown
from towpath.gates.approval import Approval
from towpath.gates.evaluate import Facts, evaluate_gate
from towpath.gates.signed_approval import encode_trailer, join_signed, key_problems, split_signed
from towpath.release.model import EnvironmentRelease, ScanSummary

ALICE, BOB, CAROL, EVE, OLD = (PrivateKey.generate() for _ in range(5))
CONFIG = parse_config(f"""\
apiVersion: towpath.dev/v2
people:
  alice:
    names: [Alice Liddell]
    addresses: [alice@example.com]
    groups: [leads]
    keys:
      - {ALICE.public.openssh} alice on her laptop
      - valid-before="20260101Z" {OLD.public.openssh}
  bob: {{groups: [leads]}}
  carol: {{groups: [leads], keys: ['namespaces="git" {CAROL.public.openssh}', ssh-ed25519 AAAA]}}
environments:
  - {{name: dev, namespace: dev}}
  - name: prod
    namespace: prod
    gate: {{approvals: {{required: 2, groups: [leads], kind: signed, expires: 2d}}}}
scan: {{scanners: []}}
""")
PROD = CONFIG.environment("prod")
PLAN = "sha256:" + "e" * 64
NOW = datetime(2026, 1, 2, tzinfo=UTC)
AT = "2026-01-01T23:00:00Z"
TRUSTED = TrustedKeys(
    (
        TrustedKey(("bob",), BOB.public, (APPROVALS, POLICY)),
        TrustedKey(("mallory",), EVE.public, (APPROVALS,)),
    )
)
QUESTION = Question(RELEASE, PROD, PLAN, (), CONFIG.who(), TRUSTED, NOW - timedelta(hours=2))
STATEMENT = ApprovalStatement(
    "hello", "prod", DIGEST, PLAN, "approve", "alice", AT, "2026-01-07T00:00:00Z", "tested"
)


def signed(key: PrivateKey = ALICE, **changes: str) -> str:
    content, signature = sign_approval(replace(STATEMENT, **changes), key)  # type: ignore[arg-type]
    return join_signed(content, signature)


def answer(statement: str, **changes: str) -> Answer:
    given = Answer("approve", "alice", DIGEST, QUESTION.manifests, "", "2026-01-01T23:30:00Z", statement)
    return replace(given, **changes)  # type: ignore[arg-type]


def test_a_signature_by_a_key_that_people_or_the_agent_name_counts() -> None:
    first = judge(QUESTION, (), answer(signed()), NOW)
    assert first.note == ""
    assert [(each.approver, each.kind, each.at, each.reason) for each in first.approvals] == [
        ("alice", "signed", AT, "tested")
    ]
    both = judge(QUESTION, first.approvals, answer(signed(BOB, approver="bob"), approver="bob"), NOW)
    assert [each.approver for each in both.approvals] == ["alice", "bob"]
    assert "Approved by alice (signed), bob (signed)." in question_markdown(QUESTION, 0, both.approvals, "")


def test_one_person_under_two_spellings_counts_once() -> None:
    first = judge(QUESTION, (), answer(signed()), NOW)
    again = signed(approver="Alice Liddell", at="2026-01-01T23:20:00Z")
    second = judge(QUESTION, first.approvals, answer(again, approver="ALICE@example.com"), NOW)
    assert second == Judged(first.approvals, "alice has approved already; somebody else must")


def test_line_breaks_of_a_browser_change_nothing() -> None:
    assert judge(QUESTION, (), answer(signed().replace("\n", "\r\n")), NOW).note == ""
    assert judge(QUESTION, (), answer(signed().rstrip()), NOW).note == ""


OTHER = "sha256:" + "b" * 64
REFUSED = [
    (answer(""), "prod takes signed answers only"),
    (answer(signed(PrivateKey.generate())), "is not among the"),
    (answer(signed(OLD)), "was valid until 2026-01-01T00:00:00Z only"),
    (answer(signed(BOB)), "is bob's, and only alice may sign"),
    (answer(signed(CAROL, approver="carol"), approver="carol"), "is not among"),
    (answer(signed(EVE, approver="mallory"), approver="mallory"), "may not approve"),
    (answer(signed(), approver="bob"), "the form names 'bob', and the statement"),
    (answer(signed(release=OTHER)), "another release"),
    (answer(signed(manifests=OTHER)), "another manifests"),
    (answer(signed(app="shop")), "another app"),
    (answer(signed(environment="staging")), "another environment"),
    (answer(signed(decision="reject")), "the form says approve"),
    (answer(signed(at="2026-01-02T00:06:00Z")), "which is in the future"),
    (answer(signed(at="2025-12-30T00:00:00Z", expires="2026-01-01T23:59:00Z")), "has expired"),
    (answer(signed(at="2026-01-01T21:00:00Z")), "before the promotion began"),
    (answer(signed()[:200]), "has no signature; it may be cut off"),
    (answer(signed()[:-60]), "does not begin with BEGIN and end with END"),
    (answer(signed() + signed().partition("}\n")[2]), "has 2 signatures"),
    (answer(signed().replace("tested", "teSted")), "what was signed is another text"),
    (answer("x" * 100_001), "has more than 100000 characters"),
    (
        answer(join_signed(b"{}\n", sign_text(b"{}\n", APPROVALS, ALICE))),
        "has no text as",
    ),
    (answer(join_signed(b"{}\n", sign_text(b"{}\n", POLICY, ALICE))), "for the namespace"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_every_other_answer_says_what_does_not_hold_and_changes_nothing(given: Answer, said: str) -> None:
    judged = judge(QUESTION, (), given, NOW)
    assert judged.approvals == ()
    assert said in judged.note


def test_a_clock_may_be_some_minutes_ahead() -> None:
    assert judge(QUESTION, (), answer(signed(at="2026-01-02T00:04:00Z")), NOW).note == ""


def test_an_approval_expires_where_the_environment_says_so() -> None:
    late, question = NOW + timedelta(hours=47, minutes=1), replace(QUESTION, asked=None)
    assert "it counts for 2 days" in judge(question, (), answer(signed()), late).note


def test_who_wrote_it_under_another_spelling_does_not_approve_it() -> None:
    own = replace(QUESTION, authors=("Bob <bob@example.com>", "A. Liddell <ALICE@example.com>"))
    assert "nobody approves his own work" in judge(own, (), answer(signed()), NOW).note


def test_withdrawn_is_withdrawn_whoever_sends_the_earlier_statement_again() -> None:
    first = judge(QUESTION, (), answer(signed()), NOW)
    back = signed(decision="withdraw", at="2026-01-01T23:10:00Z")
    after = judge(QUESTION, first.approvals, answer(back, decision="withdraw"), NOW)
    assert (after.note, after.withdrawn) == ("", "alice")
    replayed = judge(QUESTION, after.approvals, answer(signed()), NOW)
    assert "has said something else at 2026-01-01T23:10:00Z" in replayed.note
    anew = judge(QUESTION, replayed.approvals, answer(signed(at="2026-01-01T23:20:00Z")), NOW)
    assert [(each.approver, each.decision) for each in anew.approvals] == [("alice", "approve")]


def test_only_what_was_said_can_be_withdrawn() -> None:
    back = signed(decision="withdraw")
    note = judge(QUESTION, (), answer(back, decision="withdraw"), NOW).note
    assert note == "alice has not approved, so there is nothing to withdraw"


def test_a_signed_rejection_ends_it_with_its_reason() -> None:
    no = answer(signed(decision="reject", reason="not before the holidays"), decision="reject")
    assert judge(QUESTION, (), no, NOW).rejection == (
        "alice rejected hello ccccccc in prod: not before the holidays"
    )


def test_the_gate_counts_no_declared_or_withdrawn_approval_where_signed_ones_are_asked() -> None:
    release = replace(RELEASE, scan=ScanSummary("not-scanned"))
    states = {"dev": EnvironmentRelease(release, AT, "ann", verified_at=AT)}
    good = Approval("alice", DIGEST, PLAN, "prod", "hello", AT, "approve", "", "signed text")
    for given, missing in [
        ((good, replace(good, approver="bob")), 0),
        ((good, replace(good, approver="bob", statement="")), 1),
        ((good, replace(good, approver="Alice Liddell")), 1),
        ((good, replace(good, approver="bob", decision="withdraw")), 1),
    ]:
        facts = Facts(CONFIG, "prod", release, NOW, states=states, approvals=given)
        assert evaluate_gate("promotion", facts).missing_approvals == missing


def test_keys_that_cannot_be_read_are_told() -> None:
    assert [(person, index) for person, index, _ in key_problems(CONFIG.who())] == [
        ("carol", 0),
        ("carol", 1),
    ]
    assert "may sign git only, no approvals" in next(key_problems(CONFIG.who()))[2]


def test_the_text_is_kept_on_one_line() -> None:
    assert "\n" not in encode_trailer(signed())
    content, signature = split_signed(signed())
    assert content.endswith(b"}\n")
    assert signature.startswith("-----BEGIN SSH SIGNATURE-----\n")
