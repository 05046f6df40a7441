"""What counts of the answers that people give, and what they are asked."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.gates.test_approval import DIGEST, NOW, PROD
from towpath.gates.answer import Answer, Judged, Question, judge, question_markdown, whole_digest
from towpath.gates.approval import Approval
from towpath.release.model import Release, ScanSummary, one_image

RELEASE = Release(
    app="hello",
    images=one_image("hello", "127.0.0.1:5000/hello", DIGEST),
    commit="c" * 40,
    source="",
    subject="",
    author="Carol <carol@example.com>",
    built_at="2026-01-01T00:00:00Z",
    scan=ScanSummary("passed"),
    flow_run="",
)
QUESTION = Question(RELEASE, PROD, "sha256:plan")
YES = Answer("approve", " alice ", "a" * 12, "sha256:plan", " looks good ", "2026-01-01T23:00:00Z")
ALICE = Approval(
    "alice", DIGEST, "sha256:plan", "prod", "hello", "2026-01-01T23:00:00Z", "approve", "looks good"
)


def test_it_is_told_where_the_release_was_verified_before() -> None:
    assert "scan passed.\n" in question_markdown(QUESTION, 1, (), "")
    verified = {"eu": "2026-01-01T11:00:00+00:00", "us": "2026-01-01T12:00:00+00:00"}
    told = question_markdown(replace(QUESTION, verified=verified), 1, (), "")
    where = "eu (since 2026-01-01T11:00:00+00:00) and us (since 2026-01-01T12:00:00+00:00)"
    assert f"scan passed, verified in {where}." in told


def test_an_answer_that_holds_is_counted_after_those_before() -> None:
    assert judge(QUESTION, (), YES, NOW) == Judged((ALICE,))
    second = judge(QUESTION, (ALICE,), replace(YES, approver="bob"), NOW)
    assert [each.approver for each in second.approvals] == ["alice", "bob"]
    assert (second.note, second.rejection) == ("", "")


@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"approver": "eve"}, "'eve' may not approve"),
        ({"approver": ""}, "may not approve"),
        ({"digest": "b" * 12}, "another digest"),
        ({"digest": "a" * 11}, "another digest"),
        ({"digest": ""}, "another digest"),
        ({"manifests": "sha256:other"}, "another manifests"),
        ({"manifests": ""}, "does not say which plan"),
        ({"at": "2025-12-01T00:00:00Z"}, "expired"),
        ({"at": "yesterday"}, "no valid time"),
    ],
)
def test_an_answer_that_does_not_hold_changes_nothing_and_rejects_nothing(
    decision: str, change: dict[str, str], says: str
) -> None:
    judged = judge(QUESTION, (), replace(YES, decision=decision, **change), NOW)
    assert judged.approvals == ()
    assert says in judged.note
    assert judged.rejection == ""


def test_nobody_counts_twice_and_no_author_at_all() -> None:
    assert "approved already" in judge(QUESTION, (ALICE,), YES, NOW).note
    own = replace(QUESTION, release=replace(RELEASE, author="Alice <alice@example.com>"))
    assert "nobody approves his own work" in judge(own, (), YES, NOW).note


def test_nobody_approves_what_is_new_and_his_own() -> None:
    new = replace(QUESTION, authors=("Dana <dana@example.com>", "Alice Liddell <ALICE@example.com>"))
    assert "nobody approves his own work" in judge(new, (), YES, NOW).note
    assert judge(new, (), replace(YES, approver="bob"), NOW).note == ""


def test_no_answer_is_told() -> None:
    assert judge(QUESTION, (ALICE,), None, NOW) == Judged((ALICE,), "the run was resumed without an answer")


@pytest.mark.parametrize(("reason", "because"), [(" not today ", ": not today"), ("", "")])
def test_a_rejection_says_who_and_why(reason: str, because: str) -> None:
    no = replace(YES, decision="reject", reason=reason)
    judged = judge(QUESTION, (), no, NOW)
    assert judged.rejection == f"alice rejected hello ccccccc in prod{because}"
    assert judged.approvals == ()


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        (DIGEST, True),
        ("a" * 64, True),
        ("a" * 12, True),
        (" sha256:" + "a" * 12 + " ", True),
        ("a" * 11, False),
        ("a" * 65, False),
        ("b" * 12, False),
        ("A" * 12, False),
        ("", False),
    ],
)
def test_the_first_digits_stand_for_the_digest(typed: str, *, whole: bool) -> None:
    assert whole_digest(typed, DIGEST) == (DIGEST if whole else typed.strip())


def test_the_question_begins_with_the_digest_to_repeat_and_with_who_is_awaited() -> None:
    question = replace(QUESTION, brief=("one change", "+ a", "- `b`"), whole_plan="/artifacts/artifact/1")
    lines = question_markdown(question, 1, (ALICE,), "too late").split("\n\n")
    assert lines[0] == "**hello `aaaaaaaaaaaa` to prod?** Repeat the digest to answer: `aaaaaaaaaaaa`"
    assert lines[1] == "**The last answer did not count: too late**"
    assert lines[2] == "Awaited: 1 of bob. Approved by alice (declared)."
    assert lines[4:7] == [
        "one change",
        "```diff\n+ a\n- `b`\n```",
        "[Release and whole plan](/artifacts/artifact/1)",
    ]
    assert lines[7].startswith(
        "On the command line: `towpath approve hello --environment prod --as NAME`, or"
    )
    spaced = question_markdown(question, 1, (ALICE,), "too late", spaced=True).split("\n\n")
    assert spaced == [*lines[:5], "`+ a`", "`- 'b'`", *lines[6:]]
    first = question_markdown(QUESTION, 2, (), "")
    assert "\n\nAwaited: 2 of alice, bob.\n\n" in first
    assert "did not count" not in first


def test_nobody_is_awaited_who_may_not_approve() -> None:
    own = replace(QUESTION, release=replace(RELEASE, author="Alice <alice@example.com>"))
    assert own.awaited(()) == ("bob",)
    assert replace(own, authors=("bob",)).awaited(()) == ()
    assert "Awaited: 1 of nobody who may." in question_markdown(replace(own, authors=("bob",)), 1, (), "")


@pytest.mark.parametrize("text", ["`# big", "a\n\n# heading", "[x](javascript:1)", "**bold**"])
def test_an_author_writes_no_markdown_into_the_form(text: str) -> None:
    asked = question_markdown(
        replace(QUESTION, release=replace(RELEASE, subject=text, author=text)), 1, (), ""
    )
    shown = " ".join(text.replace("`", "'").split())
    assert f"\n\n`{shown}` by `{shown}`, commit " in asked


def test_the_time_of_the_question_is_no_part_of_it() -> None:
    assert judge(QUESTION, (), YES, datetime(2026, 1, 3, tzinfo=UTC)) == Judged((ALICE,))
