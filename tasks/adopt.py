"""Drift written back to Git: a branch with one commit per app, for people to review and merge."""

from collections.abc import Sequence

from prefect.logging import get_run_logger

from tasks.drift import Detected
from tasks.runs.report import report
from tasks.runs.run_identity import run_id
from tasks.runs.step import settings, step
from towpath.drift.proposal import Proposal, adoption_markdown
from towpath.engine.reconcile.adopt import propose_app
from towpath.orchestration.keys import adoption_key
from towpath.redact import redact


def adopt(detected: Detected) -> Sequence[Proposal]:
    """Propose the drift of every app whose mode is `adopt`; where there is none, there is no step either."""
    return propose(detected) if detected.plan.adopts else ()


@step("adopt drift in {detected.environment}")
def propose(detected: Detected) -> tuple[Proposal, ...]:
    """A branch per app. What cannot be written back is listed, and one app's failure stops no other."""
    log, proposals = get_run_logger(), []
    for decision in detected.plan.adopts:
        proposal = propose_app(
            settings(), detected.plan.context, detected.rendered(decision.app), decision, run_id()
        )
        proposals.append(proposal)
        log.info("%s", redact(str(proposal)))
    name = detected.environment
    summary = "; ".join(map(str, proposals))
    report(adoption_key(name), adoption_markdown(name, proposals), f"{name}: {redact(summary)}"[:500])
    return tuple(proposals)
