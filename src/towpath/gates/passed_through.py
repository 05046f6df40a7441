"""Releases that were verified in an environment for long enough before a newer one came. Pure.

So a busy environment does not starve those after it: what has soaked there may move on.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from towpath.release.model import EnvironmentRelease


def passed_through(
    states: Iterable[EnvironmentRelease], release: str, soak: timedelta
) -> EnvironmentRelease | None:
    """The state in which a release was verified until a newer build came; None where it does not count.

    `states` are those of one environment, newest first. What was rolled back, or gave way to an older build,
    does not count; nor does what stayed for less than `soak`.
    """
    newer: EnvironmentRelease | None = None
    for state in states:
        if state.release.id != release:
            newer = state
            continue
        if newer is None or newer.rolls_back or not newer.release.overtakes(state.release):
            return None
        if state.verified_at is None:
            return None
        stayed = newer.promoted - datetime.fromisoformat(state.verified_at)
        return state if stayed >= soak else None
    return None
