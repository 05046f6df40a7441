"""Rates, and what may be used once only. Bounded memory; one event loop's thread. Pure but for the clock."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 10_000
MOST_USED = 100_000


class Rate:
    """At most `per_minute` of one key, and as many at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Count one; 0, or the seconds until the next one may come."""
        now = self._clock()
        left, at = self._left.pop(key, (self._limit, now))
        left = min(self._limit, left + (now - at) * self._limit / 60.0)
        wait = 0.0 if left >= 1.0 else (1.0 - left) * 60.0 / self._limit
        self._left[key] = (left if wait else left - 1.0, now)
        if len(self._left) > MOST_KEYS:
            self._left.popitem(last=False)
        return wait


class UsedOnce:
    """Keys that were used, each until its own time, with what they were used for."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def use(self, key: str, until: float, purpose: str) -> str | None:
        """None at the first use; then what it was used for first."""
        now = self._clock()
        known = self._used.get(key)
        if known and known[0] >= now:
            return known[1]
        self._used[key] = (until, purpose)
        self._used.move_to_end(key)
        if len(self._used) > MOST_USED:
            for old in [each for each, (end, _) in self._used.items() if end < now] or [
                next(iter(self._used))
            ]:
                del self._used[old]
        return None
