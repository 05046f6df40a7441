"""At most one promotion of an app waits in an environment: the same release joins it, a newer one ends it.

Who is about to wait looks at the others while it holds a lock that it gives back only after it was suspended:
so no two of them wait because each looked before the other was there.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_run_logger

from tasks.runs.chain import end_as_superseded, find_release, waiting_runs
from tasks.runs.lock import brief_lock
from tasks.runs.run_identity import run_id
from tasks.runs.step import JoinedError, SupersededError, step
from towpath.orchestration import keys
from towpath.release.model import Release


@dataclass(frozen=True, slots=True)
class InPlace:
    """Another run waits in the place of this one: with the `same` release, or with a newer one."""

    same: bool
    message: str


@contextmanager
def one_waits(release: Release, environment: str) -> Iterator[None]:
    """Suspend the run in here. JoinedError or SupersededError when another run waits in this one's place."""
    with brief_lock(keys.waiting_lock_name(release.app, environment)):
        other = make_way(release, environment)
        if other is not None and other.same:
            raise JoinedError(other.message)
        if other is not None:
            raise SupersededError(other.message, remedy="Nothing was changed. Reject that run to go first.")
        yield


@step("look who waits with {release.app} for {environment}")
def make_way(release: Release, environment: str) -> InPlace | None:
    """End the waits of older releases; None when no other run waits in this one's place."""
    with get_client(sync_client=True) as client:
        others = [run for run in waiting_runs(client, release.app, environment) if str(run.id) != run_id()]
        found = ((run, find_release(release.app, run)) for run in others)
        known = [(run, other) for run, other in found if other is not None]
        if in_place := _in_place(client, release, known):
            return in_place
        for run, other in known:
            if other.id != release.id and end_as_superseded(client, run, other, release):
                text = "%s %s waits no longer, because this newer release does"
                get_run_logger().info(text, other.app, other.short_id)
    return None


def _in_place(
    client: SyncPrefectClient, release: Release, known: Iterable[tuple[FlowRun, Release]]
) -> InPlace | None:
    """Of the runs that ask people: one with a newer release, else one with the same; None for neither."""
    what = f"{release.app} {release.short_id}"
    ours = [(run, other) for run, other in known if _asks_people(run)]
    for run, other in ours:
        if other.id != release.id and not _is_newer(client, release, run, other):
            text = f"{what} was superseded by {other.short_id}, which waits: {run.name}, run {run.id}"
            return InPlace(same=False, message=text)
    for run, other in ours:
        if other.id == release.id:
            return InPlace(same=True, message=f"{what} waits already: {run.name}, run {run.id}")
    return None


def require_not_ended() -> None:
    """SupersededError when the server has this run as ended: a newer release has taken its place."""
    if not run_id():
        return
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(run_id())).state
    if state is not None and state.is_cancelled():
        raise SupersededError(state.message or "this promotion was cancelled", remedy="Nothing was changed.")


def _is_newer(client: SyncPrefectClient, release: Release, run: FlowRun, other: Release) -> bool:
    """Whether `release` was built after the other one; of two builds of one second, the newer run's is."""
    if release.built != other.built:
        return release.built > other.built
    mine = client.read_flow_run(UUID(run_id()))
    return (str(mine.created), str(mine.id)) > (str(run.created), str(run.id))


def _asks_people(run: FlowRun) -> bool:
    """Whether a run is one of ours that was suspended for an approval: others may only seem to wait."""
    key = run.state.state_details.pause_key if run.state else None
    return str(key).startswith(keys.APPROVAL)
