"""A release into an environment: gate, commit, sync, verify, and on to the next one."""

from tasks.approval_gate import approved, judged_again
from tasks.cluster import (
    prune,
    require_dependencies,
    require_pruned,
    sync,
    verify,
    wait_for_dependencies,
)
from tasks.commit import commit, mark_verified
from tasks.context import fetch
from tasks.proposal import plan
from tasks.release import read_release
from tasks.rollback import undo
from tasks.runs.chain import start_next, supersede
from tasks.runs.lock import environment_lock
from tasks.runs.overtaken import note_promoted, overtaking
from tasks.runs.run_identity import run_created
from tasks.runs.step import finishing, towpath_flow
from tasks.status import record_promoted


@towpath_flow
def promote(app: str, digest: str, environment: str, parent: str | None = None, override: str = "") -> str:  # noqa: ARG001 - for its readers
    """Promote the release `digest` of `app`. `parent` is the run that started this one.

    `override` is what an owner signed who lets it in by break-glass. Where approvals are asked the run is
    suspended, and begins again from the top when somebody answered.
    """
    context = fetch(environment)
    admission = read_release(app, digest, context, override)
    proposal = plan(admission, context)
    approvals, release = approved(proposal), proposal.release
    wait_for_dependencies(app, context)
    with environment_lock(environment, overtaking(release, environment, run_created())), finishing():
        context = fetch(environment)  # again: Git may have moved while people were asked
        proposal, approvals = judged_again(proposal, approvals, context)
        require_dependencies(app, context)
        target = commit(proposal, approvals)
        synced = sync(target, return_state=True)
        verified = verify(target, wait_for=[synced], return_state=True)
        if not verified.is_completed():
            undo(target, synced, verified)
        mark_verified(target, release)
        pruned = prune(target, return_state=True)
        record_promoted(target, release)
        note_promoted(release, environment)
    supersede(release, environment)
    start_next(release, context)
    require_pruned(target, pruned)  # the release is in, and goes on, whatever could not be deleted
    return f"{environment} runs {app} {release.short_id}, verified"
