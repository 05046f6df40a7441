"""The gate: policies decide, and where people must, the run is suspended until they have."""

import itertools
import json
import time
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from prefect import suspend_flow_run
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.input import RunInput
from prefect.logging import get_run_logger
from pydantic import Field, ValidationError, create_model

from tasks.proposal import Proposal, plan
from tasks.release import renew
from tasks.runs.run_identity import run_created, run_id
from tasks.runs.step import RejectedError, SoakingError, SupersededError, step
from tasks.runs.supersede import one_waits, require_not_ended
from towpath.engine.gates.admission import Admission, require_not_overtaken, require_not_superseded
from towpath.engine.gates.done_before import done_before
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.keys import load_trusted_keys
from towpath.errors import ConflictError
from towpath.gates.answer import Answer, Judged, Question, judge, question_markdown
from towpath.gates.approval import Approval
from towpath.gates.signed_approval import MAX_CHARACTERS
from towpath.orchestration.keys import approval_key, asked_key, is_former_answer, verdict_key
from towpath.redact import redact

STILL_HOLDS = 30.0
"""Seconds for which a judgement holds at one commit: windows and soak times end, and evidence can go."""
PATIENCE = 7 * 24 * 3600
"""Seconds that a promotion waits for an approval; then the server fails it."""


class Decision(RunInput):
    """The form. Only the plan is filled in beforehand, so that the answer says what was seen."""

    decision: Literal["approve", "withdraw", "reject"]
    approver: str = Field(min_length=1, max_length=100, description="Your name, as in towpath.yaml")
    digest: str = Field(min_length=12, max_length=71, description="The digest above: 12 digits of it do")
    reason: str = Field(default="", max_length=1000, description="Why; a rejection should say")
    statement: str = Field(
        default="",
        max_length=MAX_CHARACTERS,
        description="As `towpath approve --sign` makes it; needed where only signed answers count",
    )
    plan: str = Field(default="", max_length=71, description="The plan that you see; leave it as it is")


def form_of(question: Question, missing: int, approvals: tuple[Approval, ...], note: str) -> type[Decision]:
    """The form; the question is its description, for `towpath approve`, and its first field's, for people.

    Prefect's page gives the description the room that the fields leave, which is none, and joins the lines of
    a field's description.
    """
    plain, spaced = (
        redact(question_markdown(question, missing, approvals, note, spaced=spaced))
        for spaced in (False, True)
    )
    fields: dict[str, Any] = {}
    for name, key, value in (("decision", "description", spaced), ("plan", "default", question.manifests)):
        field = copy(Decision.model_fields[name])
        setattr(field, key, value)
        fields[name] = (field.annotation, field)
    return create_model(Decision.__name__, __base__=Decision, **fields).with_initial_data(plain)


def approved(proposal: Proposal) -> tuple[Approval, ...]:
    """The approvals under which this plan may be carried out; suspends the run for each one that is missing.

    A flow calls this, no task can. On the way back the flow runs again from the top, and answers given to the
    same plan are found again under their keys; another plan has other keys, so it is asked anew. SoakingError
    while the release soaks: people are asked when it has.
    """
    approvals: tuple[Approval, ...] = ()
    note = ""
    for turn in itertools.count():
        admission = gate(proposal, approvals)
        verdict = admission.verdict
        if verdict.soaks:
            end = admission.facts.now + timedelta(seconds=verdict.soaks)
            raise SoakingError("; ".join(verdict.reasons), end)
        if not verdict.waits_for_approval:
            break
        answer = ask(proposal, verdict.missing_approvals, approvals, note, turn)
        judged = judge_answer(proposal, approvals, answer, turn)
        approvals, note = judged.approvals, judged.note
    return approvals


def judged_again(
    proposal: Proposal, approvals: tuple[Approval, ...], context: EnvironmentContext
) -> tuple[Proposal, tuple[Approval, ...]]:
    """The plan at what Git is by now, and the approvals under which it may be carried out.

    At the same commit, moments after it was judged, it is the same: nothing is asked again.
    """
    same = context.repo.commit == proposal.context.repo.commit
    if same and time.monotonic() - proposal.made_at < STILL_HOLDS:
        return proposal, approvals
    renewed = plan(renew(proposal.admission, context), context)
    return renewed, approved(renewed)


@step("gate {proposal.release.app} {proposal.release.short_id} to {proposal.environment}")
def gate(proposal: Proposal, approvals: tuple[Approval, ...]) -> Admission:
    """Judge the commit that was planned. A closed gate is an error; what time or people can open is none."""
    repo, release, environment = proposal.context.repo, proposal.release, proposal.environment
    require_not_ended()
    admission = proposal.admission.with_approvals(approvals)
    try:
        require_not_superseded(release, repo.release(release.app, environment), run_created())
        require_not_overtaken(admission, run_created())
        trusted = partial(load_trusted_keys, proposal.context.trusted_keys)
        done_before(repo, trusted, release.app, environment, run_id(), run_created())
    except ConflictError as error:
        raise SupersededError(error.message, remedy=error.remedy) from error
    if not admission.verdict.soaks:
        admission.require_open()
    return admission


@step("judge answer {turn} on {proposal.release.app} {proposal.release.short_id} to {proposal.environment}")
def judge_answer(
    proposal: Proposal, approvals: tuple[Approval, ...], answer: Answer | None, turn: int
) -> Judged:
    """Count an answer that holds. One that does not changes nothing: the reason is told, and asked again."""
    judged = judge(question_of(proposal), approvals, answer, datetime.now(UTC))
    if judged.rejection:
        raise RejectedError(judged.rejection, remedy="Nothing was changed.")
    if judged.note:
        get_run_logger().warning("answer %d does not count: %s", turn, judged.note)
    elif judged.withdrawn:
        get_run_logger().info("%s has taken the approval back", judged.withdrawn)
    else:
        get_run_logger().info("approved by %s (%s)", judged.approvals[-1].approver, judged.approvals[-1].kind)
    return judged


def question_of(proposal: Proposal) -> Question:
    """What people are asked about a proposal."""
    return Question(
        proposal.release,
        proposal.context.environment,
        proposal.manifests,
        proposal.admission.facts.authors,
        proposal.context.repo.config.who(),
        load_trusted_keys(proposal.context.trusted_keys),
        run_created(),
        proposal.brief,
        proposal.page,
        proposal.admission.verified_before,
    )


def ask(
    proposal: Proposal, missing: int, approvals: tuple[Approval, ...], note: str, turn: int
) -> Answer | None:
    """Suspend the run until somebody answers; None when it was set going without an answer."""
    key = approval_key(proposal.manifests, turn)
    note = note or (former_answers() if turn == 0 else "")
    if note:
        keep_input(verdict_key(key), json.dumps(note))
    keep_input(asked_key(key), json.dumps(json.dumps(asked_of(proposal))))
    form = form_of(question_of(proposal), missing, approvals, note)
    try:
        with one_waits(proposal.release, proposal.environment):
            typed = suspend_flow_run(wait_for_input=form, key=key, timeout=PATIENCE)
    except ValidationError:
        return None
    except PrefectHTTPStatusError as error:
        # Somebody set the run going without the form, so there is no answer under this key and never will be.
        if error.response.status_code != 404:
            raise
        return None
    seen = typed.plan if "plan" in typed.model_fields_set else ""  # not what the form would fill in now
    return Answer(
        typed.decision, typed.approver, typed.digest, seen, typed.reason, answered_at(key), typed.statement
    )


def former_answers() -> str:
    """Why answers that this run was given before an upgrade do not count; empty when there are none."""
    if not run_id():
        return ""
    with get_client(sync_client=True) as client:
        answers = client.filter_flow_run_input(UUID(run_id()), "suspended-", 200, set())
    if not any(is_former_answer(each.key) for each in answers):
        return ""
    return "it was given before an upgrade of Towpath, to a form that asked less"


def asked_of(proposal: Proposal) -> dict[str, str]:
    """What a signed answer must be about, as `towpath approve --sign` signs it."""
    return {
        "app": proposal.release.app,
        "environment": proposal.environment,
        "release": proposal.release.id,
        "manifests": proposal.manifests,
        "base_commit": proposal.context.repo.commit,
    }


def keep_input(key: str, text: str) -> None:
    """Write down for `towpath approve` why the last answer did not count, or what is asked."""
    with get_client(sync_client=True) as client:
        try:
            client.create_flow_run_input(UUID(run_id()), key, text)
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
