"""Places where a test may kill this process, as a power cut would: before or after each write of a sync.

`TOWPATH_FAILPOINT=applied` kills it when the place of that name is reached first, `applied:3` the third time;
`applied:3:stop` stops it there, until somebody lets it go on.
"""

import os
import signal
from collections import Counter

FAILPOINTS = (  # every name that `reach` is called with
    "namespace-ready",
    "inventory-ahead",
    "inventory-ahead-written",
    "owners-rewritten",
    "applied",
    "recreate-deleted",
    "before-prune",
    "deleted",
    "inventory-after",
    "inventory-after-written",
    "hook-remembered",
    "hook-created",
    "hook-ended",
)

_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Die here (SIGKILL), or stop (SIGSTOP), when the environment variable says so."""
    wanted = os.environ.get("TOWPATH_FAILPOINT")
    if not wanted:
        return
    _reached[name] += 1
    place, count, end, *_ = [*wanted.split(":"), "", ""]
    if place != name or _reached[name] < int(count or 1):
        return
    if end != "stop":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _reached[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGSTOP)
