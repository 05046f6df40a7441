"""The way of a delivery: its run, and the promotions that follow, as far as it has come."""

from collections.abc import Iterator

from towpath.orchestration import keys
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server

LONGEST = 100
"""Runs of one way: more than an environment repository has environments."""
SCHEDULED = "scheduled"
RUNNING = "running"
WAITING = "waiting"
SUCCEEDED = "succeeded"
FAILED = "failed"


def successors(server: Server, run: Run) -> list[Run]:
    """The promotions that this run started or joined, also one that comes after several environments."""
    if run.flow not in (keys.DELIVER, keys.PROMOTE):
        return []
    app, environment, digest = (str(run.parameters.get(key)) for key in ("app", "environment", "digest"))
    if run.state == keys.JOINED:
        joined = server.waiting_with(app, environment, digest)
        return [joined] if joined else []
    names = [keys.environment_of(keys.PROMOTE, name) for name in server.deployments(keys.PROMOTE)]
    found = server.by_key([keys.promote_key(run.id, name) for name in names if name])
    if run.flow == keys.PROMOTE:
        once = server.by_key([keys.joined_key(app, digest, name) for name in names if name])
        found += [each for each in once if each.parameters.get("parent") == run.id]
    return found


def runs_of(server: Server, run: Run) -> Iterator[Run]:
    """A delivery's run and each promotion that it has led to; what follows a run comes after it."""
    pending, told = [run], set[str]()
    while pending and len(told) < LONGEST:
        following = pending.pop(0)
        if following.id in told:
            continue
        told.add(following.id)
        yield following
        pending += successors(server, following) if following.succeeded else []


def state_of(runs: list[Run]) -> str:
    """One word for the whole way. `succeeded`: nothing follows any more; `waiting`: for people or time."""
    if any(run.over and not run.succeeded for run in runs):
        return FAILED
    unfinished = [run for run in runs if not run.over]
    if not unfinished:
        return SUCCEEDED
    if all(run.waiting or run.soaks for run in unfinished):
        return WAITING
    return SCHEDULED if len(runs) == 1 and unfinished[0].kind in ("SCHEDULED", "PENDING") else RUNNING
