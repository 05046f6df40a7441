"""Judges what a person answers to the question whether a release may go into an environment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from towpath.applyset.plan import fenced_block
from towpath.config import Environment, People
from towpath.errors import EvidenceError, RefusedError
from towpath.evidence.trusted_keys import CLOCK_SKEW, TrustedKeys
from towpath.gates.approval import (
    NOBODY,
    Approval,
    check_approval,
    check_approver,
    given,
    is_author,
    time_of_approval,
)
from towpath.gates.signed_approval import AskedApproval, approval_keys, require_decision, verify_signed
from towpath.release.model import Release

TYPED_DIGITS = 12
"""Hex digits of the digest that a person must type at least."""


@dataclass(frozen=True, slots=True)
class Question:
    """One release in one environment, with one plan: `manifests` is the hash of all that would be applied.

    `authors` wrote what is new with the release. `people` tells who is who, `trusted` are the agent's keys.
    What was signed before it was `asked` is no answer to it. `brief` are the first lines of the plan, its
    summary first; `whole_plan` is the path of the page that shows all of it. `verified`: when the release was
    verified in environments before.
    """

    release: Release
    environment: Environment
    manifests: str
    authors: tuple[str, ...] = ()
    people: People = NOBODY
    trusted: TrustedKeys | None = None
    asked: datetime | None = None
    brief: tuple[str, ...] = ()
    whole_plan: str = ""
    verified: Mapping[str, str] = field(default_factory=dict)

    def awaited(self, approvals: tuple[Approval, ...]) -> tuple[str, ...]:
        """Who may still approve: nobody who has, and no author."""
        listed = self.environment.gate.approvals
        done = {each.approver for each in given(approvals)}
        authors = (self.release.author, *self.authors)
        return tuple(
            name
            for name in sorted(self.people.approvers(listed.approvers, listed.groups) - done)
            if not any(is_author(name, author, self.people) for author in authors)
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """As it was typed; `at` is when it was given, RFC 3339.

    `manifests` is the hash of the plan that the person was shown; empty where the answer does not say.

    `statement` is what the approver signed, with the signature; empty where only a name was given.
    """

    decision: Literal["approve", "withdraw", "reject"]
    approver: str
    digest: str
    manifests: str
    reason: str
    at: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The approvals that count so far, and who has taken his back: one for each person.

    `note` says what was wrong with the last answer, `rejection` who said no and why, `withdrawn` who took his
    approval back; empty otherwise.
    """

    approvals: tuple[Approval, ...]
    note: str = ""
    rejection: str = ""
    withdrawn: str = ""


def judge(
    question: Question, approvals: tuple[Approval, ...], answer: Answer | None, now: datetime
) -> Judged:
    """Count an answer that holds at `now`. One that does not changes nothing; None is no answer."""
    if answer is None:
        return Judged(approvals, "the run was resumed without an answer")
    if not answer.manifests:
        return Judged(approvals, "the answer does not say which plan it is about")
    try:
        approval = _approval_of(question, answer, now)
        _check_order(answer, approval, approvals)
        _check(question, approval, now)
    except (RefusedError, EvidenceError) as error:
        return Judged(approvals, error.message)
    if answer.decision == "reject":
        release, environment = question.release, question.environment
        because = f": {approval.reason}" if approval.reason else ""
        said = f"{approval.approver} rejected {release.app} {release.short_id} in {environment.name}{because}"
        return Judged(approvals, rejection=said)
    rest = tuple(each for each in approvals if each.approver != approval.approver)
    if answer.decision == "withdraw":
        return Judged((*rest, replace(approval, decision="withdraw")), withdrawn=approval.approver)
    return Judged((*rest, approval))


def _check_order(answer: Answer, approval: Approval, approvals: tuple[Approval, ...]) -> None:
    """Raise RefusedError where an answer does not follow from what that person said before."""
    person = approval.approver
    before = next((each for each in approvals if each.approver == person), None)
    approved = before is not None and before.decision == "approve"
    if answer.decision == "withdraw" and not approved:
        raise RefusedError(f"{person} has not approved, so there is nothing to withdraw")
    if answer.decision == "approve" and approved:
        raise RefusedError(f"{person} has approved already; somebody else must")
    if before is not None and time_of_approval(approval.at) <= time_of_approval(before.at):
        raise RefusedError(f"{person} has said something else at {before.at}, after this; sign again")


def _approval_of(question: Question, answer: Answer, now: datetime) -> Approval:
    """The answer as an approval of the person who gave it; what it decides, the caller knows.

    A rejection too must be by somebody who may approve exactly this.
    """
    release, environment, people = question.release, question.environment, question.people
    person, at, reason = people.person(answer.approver.strip()), answer.at, answer.reason.strip()
    if answer.statement.strip():
        asked = AskedApproval(release.app, environment.name, release.id, question.manifests)
        keys = approval_keys(people, question.trusted)
        statement, signer = verify_signed(answer.statement, asked, keys, people, now)
        require_decision(statement, answer.decision, signer, person)
        if question.asked is not None and statement.made < question.asked - CLOCK_SKEW:
            raise RefusedError(f"{signer} has signed this at {statement.at}, before the promotion began")
        at, reason = statement.at, statement.reason or reason
    elif environment.gate.approvals.kind == "signed":
        raise RefusedError(
            f"{environment.name} takes signed answers only, and this one is only declared:"
            f" `towpath {'reject' if answer.decision == 'reject' else 'approve'} {release.app} --sign`"
        )
    return Approval(
        approver=person,
        digest=whole_digest(answer.digest, release.id),
        manifests=answer.manifests,
        environment=environment.name,
        app=release.app,
        at=at,
        decision="approve",
        reason=reason,
        statement=answer.statement,
    )


def _check(question: Question, approval: Approval, now: datetime) -> None:
    release, environment, people = question.release, question.environment, question.people
    check_approver(approval.approver, environment, people)
    for author in (release.author, *question.authors):
        check_approval(
            approval, environment, release.app, release.id, question.manifests, author, now, people=people
        )


def whole_digest(typed: str, digest: str) -> str:
    """People may type the first 12 hex digits; `digest` if that is what `typed` begins."""
    hex_digits = typed.strip().removeprefix("sha256:")
    whole = len(hex_digits) >= TYPED_DIGITS and digest.removeprefix("sha256:").startswith(hex_digits)
    return digest if whole else typed.strip()


def question_markdown(
    question: Question, missing: int, approvals: tuple[Approval, ...], note: str, *, spaced: bool = False
) -> str:
    """The question as Markdown: the digest to repeat, who is awaited, the release, its plan in brief.

    `spaced`: each line of the plan is a paragraph, for a page that joins the lines of one.
    """
    release, environment = question.release, question.environment.name
    signed = question.environment.gate.approvals.kind == "signed"
    typed = release.id.removeprefix("sha256:")[:TYPED_DIGITS]
    names = ", ".join(question.awaited(approvals)) or "nobody who may"
    approvers = ", ".join(f"{each.approver} ({each.kind})" for each in given(approvals))
    so_far = f" Approved by {approvers}." if approvers else ""
    # As code: a commit's author must not be able to write Markdown into the approver's form.
    there = " and ".join(f"{name} (since {at})" for name, at in question.verified.items())
    scan = f"scan {release.scan.status}{f', verified in {there}' if there else ''}"
    subject, author = (" ".join(text.replace("`", "'").split()) for text in (release.subject, release.author))
    return "\n\n".join(
        [
            f"**{release.app} `{typed}` to {environment}?** Repeat the digest to answer: `{typed}`",
            *([f"**The last answer did not count: {note}**"] if note else []),
            f"Awaited: {missing} of {names}.{so_far}",
            *(["Only signed answers count here: the form's `statement`."] if signed else []),
            f"`{subject}` by `{author}`, commit `{release.commit[:12]}`, {scan}.",
            *_brief(question, spaced=spaced),
            *([f"[Release and whole plan]({question.whole_plan})"] if question.whole_plan else []),
            f"On the command line: `towpath approve {release.app} --environment {environment}"
            f" {'--sign' if signed else '--as NAME'}`, or `towpath reject` with `--reason`.",
        ]
    )


def _brief(question: Question, *, spaced: bool) -> list[str]:
    summary, lines = question.brief[:1], question.brief[1:]
    if not spaced:
        return [*summary, *([fenced_block("\n".join(lines))] if lines else [])]
    return [*summary, *("`{}`".format(line.replace("`", "'")) for line in lines)]
