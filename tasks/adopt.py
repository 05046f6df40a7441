"""Drift written back to Git: a branch with one commit per app, for people to review and merge."""

from collections.abc import Sequence

from prefect.logging import get_run_logger

from tasks.drift import Seen
from tasks.report import artifact_key, report
from tasks.run_identity import run_id
from tasks.step import settings, step
from towpath.drift.proposal import Proposal, adoption_markdown
from towpath.engine.reconcile.adopt import propose_app
from towpath.redact import redact


def adopt(seen: Seen) -> Sequence[Proposal]:
    """Propose the drift of every app whose mode is `adopt`; where there is none, there is no step either."""
    return propose(seen) if seen.plan.adopts else ()


@step("adopt drift in {seen.environment}")
def propose(seen: Seen) -> tuple[Proposal, ...]:
    """A branch per app. What cannot be written back is listed, and one app's failure stops no other."""
    log, found = get_run_logger(), []
    for decision in seen.plan.adopts:
        proposal = propose_app(settings(), seen.plan.context, seen.rendered(decision.app), decision, run_id())
        found.append(proposal)
        log.info("%s", redact(str(proposal)))
    name = seen.environment
    summary = "; ".join(map(str, found))
    report(artifact_key("adopt", name), adoption_markdown(name, found), f"{name}: {redact(summary)}"[:500])
    return tuple(found)
