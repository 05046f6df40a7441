"""Judges what a person answers to the question whether a release may go into an environment. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from towpath.config import Environment
from towpath.errors import RefusedError
from towpath.gates.approval import Approval, check_approval
from towpath.release.model import Release

TYPED_DIGITS = 12
"""Hex digits of the digest that a person must type at least."""


@dataclass(frozen=True, slots=True)
class Question:
    """One release in one environment, with one plan: `manifests` is the hash of all that would be applied.

    `authors` wrote what is new with the release.
    """

    release: Release
    environment: Environment
    manifests: str
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """As it was typed; `at` is when it was given, RFC 3339."""

    decision: Literal["approve", "reject"]
    approver: str
    digest: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The approvals that count so far.

    `note` says what was wrong with the last answer, `rejection` who said no and why; empty otherwise.
    """

    approvals: tuple[Approval, ...]
    note: str = ""
    rejection: str = ""


def judge(
    question: Question, approvals: tuple[Approval, ...], answer: Answer | None, now: datetime
) -> Judged:
    """Count an answer that holds at `now`. One that does not changes nothing; None is no answer."""
    if answer is None:
        return Judged(approvals, "the run was resumed without an answer")
    release, environment = question.release, question.environment
    approval = Approval(
        approver=answer.approver.strip(),
        digest=whole_digest(answer.digest, release.id),
        manifests=question.manifests,
        environment=environment.name,
        app=release.app,
        at=answer.at,
        decision="approve",  # a rejection too must be by somebody who may approve exactly this
        reason=answer.reason.strip(),
    )
    if any(each.approver == approval.approver for each in approvals):
        return Judged(approvals, f"{approval.approver} has approved already; somebody else must")
    try:
        for author in (release.author, *question.authors):
            check_approval(approval, environment, release.app, release.id, question.manifests, author, now)
    except RefusedError as error:
        return Judged(approvals, error.message)
    if answer.decision == "reject":
        because = f": {approval.reason}" if approval.reason else ""
        said = f"{approval.approver} rejected {release.app} {release.short} in {environment.name}{because}"
        return Judged(approvals, rejection=said)
    return Judged((*approvals, approval))


def whole_digest(typed: str, digest: str) -> str:
    """People may type the first 12 hex digits; `digest` if that is what `typed` begins."""
    hex_digits = typed.strip().removeprefix("sha256:")
    whole = len(hex_digits) >= TYPED_DIGITS and digest.removeprefix("sha256:").startswith(hex_digits)
    return digest if whole else typed.strip()


def question_markdown(
    question: Question, missing: int, approvals: tuple[Approval, ...], note: str, plan: str
) -> str:
    """The Markdown above the form: what is asked, what was said so far, release and plan."""
    release, environment = question.release, question.environment.name
    approvers = ", ".join(approval.approver for approval in approvals)
    so_far = f"; approved by {approvers}" if approvers else ""
    refused = [f"**The last answer did not count: {note}**", ""] if note else []
    return "\n".join(
        [
            f"# Approve {release.app} {release.short} to {environment}?",
            "",
            *refused,
            f"{missing} more needed{so_far}.",
            "",
            f"Answer here, or: `towpath approve {release.app} --environment {environment} --as NAME`",
            f"(`towpath reject` with `--reason`). The digest to repeat: `{release.id}`",
            "",
            plan,
        ]
    )
