"""The gate: policies decide, and where people must, the run is suspended until they have."""

import itertools
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from prefect import suspend_flow_run
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.input import RunInput
from prefect.logging import get_run_logger
from pydantic import Field, ValidationError

from tasks.proposal import Proposal
from tasks.run_identity import run_id
from tasks.step import RejectedError, step
from tasks.waiting import one_waits, require_not_ended
from towpath.engine.source.gate import require_not_superseded, require_open_gate
from towpath.errors import RefusedError
from towpath.gates.approval import Approval, check_approval
from towpath.gates.evaluate import GateVerdict
from towpath.orchestration.keys import approval_key, verdict_key

PATIENCE = 7 * 24 * 3600
"""Seconds that a promotion waits for an approval; then the server fails it."""


class Decision(RunInput):
    """The form. Its required fields are never filled in beforehand: an empty answer approves nothing."""

    decision: Literal["approve", "reject"] = Field(description="approve or reject")
    approver: str = Field(min_length=1, max_length=100, description="Your name, as in towpath.yaml")
    digest: str = Field(min_length=12, max_length=71, description="The digest above: sha256:…")
    reason: str = Field(default="", max_length=1000, description="Why; a rejection should say")


@dataclass(frozen=True, slots=True)
class Judged:
    """The approvals that count so far, and what was wrong with the last answer, if anything."""

    approvals: tuple[Approval, ...]
    note: str = ""


def approved(proposal: Proposal) -> tuple[Approval, ...]:
    """The approvals under which this plan may be carried out; suspends the run for each one that is missing.

    A flow calls this, no task can. On the way back the flow runs again from the top, and answers given to the
    same plan are found again under their keys; another plan has other keys, so it is asked anew.
    """
    approvals: tuple[Approval, ...] = ()
    note = ""
    for turn in itertools.count():
        verdict = gate(proposal, approvals)
        if not verdict.waits_for_approval:
            break
        judged = judge_answer(proposal, approvals, *ask(proposal, verdict, approvals, note, turn))
        approvals, note = judged.approvals, judged.note
    return approvals


@step("gate {proposal.release.app} {proposal.release.short} to {proposal.environment}")
def gate(proposal: Proposal, approvals: tuple[Approval, ...]) -> GateVerdict:
    """Judge the commit that was planned. A closed gate is an error; missing approvals are not."""
    repo, release, environment = proposal.context.repo, proposal.release, proposal.environment
    require_not_ended()
    require_not_superseded(release, repo.release(release.app, environment), run_created())
    return require_open_gate(repo, environment, release, approvals)


@step("judge answer {turn} on {proposal.release.app} {proposal.release.short} to {proposal.environment}")
def judge_answer(
    proposal: Proposal, approvals: tuple[Approval, ...], answer: Decision | None, at: str, turn: int
) -> Judged:
    """Count an answer that holds. One that does not changes nothing: the reason is told, and asked again."""
    judged = judge(proposal, approvals, answer, at)
    if judged.note:
        get_run_logger().warning("answer %d does not count: %s", turn, judged.note)
    else:
        get_run_logger().info("approved by %s", judged.approvals[-1].approver)
    return judged


def judge(proposal: Proposal, approvals: tuple[Approval, ...], answer: Decision | None, at: str) -> Judged:
    """As `judge_answer`, without the log. RejectedError when somebody who has a say said no."""
    if answer is None:
        return Judged(approvals, "the run was resumed without an answer")
    release, environment = proposal.release, proposal.context.environment
    approval = Approval(
        approver=answer.approver.strip(),
        digest=whole_digest(answer.digest, release.digest),
        manifests=proposal.manifests,
        environment=proposal.environment,
        app=release.app,
        at=at,
        decision="approve",
        reason=answer.reason.strip(),
    )
    if any(each.approver == approval.approver for each in approvals):
        return Judged(approvals, f"{approval.approver} has approved already; somebody else must")
    try:
        check_approval(
            approval,
            environment,
            release.app,
            release.digest,
            proposal.manifests,
            release.author,
            datetime.now(UTC),
        )
    except RefusedError as error:
        return Judged(approvals, error.message)
    if answer.decision == "reject":
        because = f": {approval.reason}" if approval.reason else ""
        raise RejectedError(
            f"{approval.approver} rejected {release.app} {release.short} in {environment.name}{because}",
            remedy="Nothing was changed.",
        )
    return Judged((*approvals, replace(approval, decision="approve")))


def ask(
    proposal: Proposal, verdict: GateVerdict, approvals: tuple[Approval, ...], note: str, turn: int
) -> tuple[Decision | None, str, int]:
    """Suspend the run until somebody answers; the answer, when it was given, and the turn."""
    key = approval_key(proposal.manifests, turn)
    if note:
        keep_refusal(key, note)
    form = Decision.with_initial_data(description=question(proposal, verdict, approvals, note))
    try:
        with one_waits(proposal.release, proposal.environment):
            answer = suspend_flow_run(wait_for_input=form, key=key, timeout=PATIENCE)
    except ValidationError:
        answer = None
    except PrefectHTTPStatusError as error:
        # Somebody set the run going without the form, so there is no answer under this key and never will be.
        if error.response.status_code != 404:
            raise
        answer = None
    return answer, answered_at(key), turn


def keep_refusal(suspension: str, note: str) -> None:
    """Write down why the last answer did not count, for `towpath approve`; people read it above the form."""
    with get_client(sync_client=True) as client:
        try:
            client.create_flow_run_input(UUID(run_id()), verdict_key(suspension), json.dumps(note))
        except PrefectHTTPStatusError as error:
            if error.response.status_code != 409:  # there since the flow last came this way
                raise


def answered_at(key: str) -> str:
    """When the run was resumed from the suspension called `key`, RFC 3339: an old answer stays old."""
    with get_client(sync_client=True) as client:
        states = sorted(client.read_flow_run_states(UUID(run_id())), key=lambda state: state.timestamp)
    after = itertools.dropwhile(lambda state: state.state_details.pause_key != key, states)
    resumed = next((state for state in after if state.name == "Resuming"), None)
    return (resumed.timestamp if resumed else datetime.now(UTC)).isoformat()


def whole_digest(typed: str, digest: str) -> str:
    """People may type the first 12 hex digits; `digest` if that is what `typed` begins."""
    hex_digits = typed.strip().removeprefix("sha256:")
    whole = len(hex_digits) >= 12 and digest.removeprefix("sha256:").startswith(hex_digits)
    return digest if whole else typed.strip()


def question(proposal: Proposal, verdict: GateVerdict, approvals: tuple[Approval, ...], note: str) -> str:
    """The Markdown above the form: what is asked, what was said so far, release and plan."""
    release, environment = proposal.release, proposal.environment
    approvers = ", ".join(approval.approver for approval in approvals)
    so_far = f"; approved by {approvers}" if approvers else ""
    lines = [f"# Approve {release.app} {release.short} to {environment}?", ""]
    if note:
        lines += [f"**The last answer did not count: {note}**", ""]
    lines += [
        f"{verdict.missing_approvals} more needed{so_far}.",
        "",
        f"Answer here, or: `towpath approve {release.app} --environment {environment} --as NAME`",
        f"(`towpath reject` with `--reason`). The digest to repeat: `{release.digest}`",
        "",
        proposal.markdown,
    ]
    return "\n".join(lines)


def run_created() -> datetime | None:
    """When the current run was created: unlike its start, resuming does not change it."""
    context = FlowRunContext.get()
    return context.flow_run.created if context and context.flow_run else None
