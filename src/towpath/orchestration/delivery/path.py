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


def successor(server: Server, run: Run) -> Run | None:
    """The promotion that this run started, or joined; None when there is none."""
    if run.flow not in (keys.DELIVER, keys.PROMOTE):
        return None
    if run.state == keys.JOINED:
        app, environment, digest = (str(run.parameters.get(key)) for key in ("app", "environment", "digest"))
        return server.waiting_with(app, environment, digest)
    names = [keys.environment_of(keys.PROMOTE, name) for name in server.deployments(keys.PROMOTE)]
    started = server.by_key([keys.promote_key(run.id, name) for name in names if name])
    return started[0] if started else None


def runs_of(server: Server, run: Run) -> Iterator[Run]:
    """A delivery's run and each promotion that it has led to, in their order."""
    following: Run | None = run
    for _ in range(LONGEST):
        if following is None:
            return
        yield following
        following = successor(server, following) if following.succeeded else None


def state_of(runs: list[Run]) -> str:
    """One word for the whole way: that of its last run. `succeeded`: nothing follows any more."""
    last = runs[-1]
    if last.waiting:
        return WAITING
    if last.over:
        return SUCCEEDED if last.succeeded else FAILED
    return SCHEDULED if len(runs) == 1 and last.kind in ("SCHEDULED", "PENDING") else RUNNING
