"""Back to an earlier release, by a new commit."""

from tasks.cluster import prune, sync, verify
from tasks.commit import mark_verified
from tasks.rollback import restore_earlier
from tasks.runs.lock import environment_lock
from tasks.runs.run_identity import identify_run
from tasks.runs.step import finishing, towpath_flow
from tasks.status import record_promoted
from towpath.orchestration import keys


@towpath_flow
def rollback(app: str, environment: str, to: str | None = None, override: str = "") -> str:
    """Restore a release of `app`: `to` (digest or commit), or the last verified one before the current.

    `override` is what an owner signed who lets a quarantined release come back.
    """
    identify_run(keys.rollback_name(app, environment), [keys.app_tag(app), keys.environment_tag(environment)])
    with environment_lock(environment), finishing():
        restored = restore_earlier(app, environment, to, override)
        sync(restored.target)
        verify(restored.target)
        mark_verified(restored.target, restored.release)
        prune(restored.target)
        record_promoted(restored.target, restored.release)
    return f"{environment} runs {restored.name} again, verified"
