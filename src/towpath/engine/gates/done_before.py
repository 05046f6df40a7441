"""What a run has done before: where the Prefect server has lost its end, as in a database that was restored,
it begins again, and what came in since then stays."""

from collections.abc import Callable
from datetime import datetime, timedelta

from towpath.engine.source.history import signed_states
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConflictError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.release.model import EnvironmentRelease

LOOKED_AT = 200
"""Commits of the app's release there, the newest ones, of which one may be this run's."""


def done_before(  # noqa: PLR0913, PLR0917
    repo: EnvironmentRepo,
    trusted: Callable[[], TrustedKeys],
    app: str,
    environment: str,
    flow_run: str,
    created: datetime | None = None,
) -> EnvironmentRelease | None:
    """What the run has brought to the environment, if that is there now; None where it has brought nothing.

    ConflictError where another release has come in since. Of a run that was `created` after what is there
    nothing is looked up.
    """
    current = repo.release(app, environment)
    if current is None or not flow_run:
        return None
    if created is not None and current.promoted < created - timedelta(seconds=1):  # Git has whole seconds
        return None
    states = signed_states(repo.checkout, trusted(), app, environment, limit=LOOKED_AT)
    done = next((each for each in states if each.flow_run == flow_run), None)
    if done is None or done.release.id == current.release.id:
        return done
    raise ConflictError(
        f"this run has brought {app} {done.release.short_id} to {environment} before, and"
        f" {current.release.short_id} has come in since, by run {current.flow_run or 'of nobody'}",
        remedy="Nothing was changed. Begin another run if that is still wanted.",
    )
