"""Who leads: one holder of a Lease, by the rules of client-go's leader election.

No clock is compared with that of another machine. Whoever waits counts, on its own clock, from the time at
which it saw the Lease change, for as long as that holds; whoever leads counts from before it asked to renew.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from towpath.adapters.kubernetes import ApiConflictError, Lease, lease_time, released
from towpath.errors import NotLeadingError
from towpath.fence import boot_time
from towpath.kube.lease import LeaseTimes

_SENT = 8
"""So many of the last renewals are known as our own: the answer to one may be lost."""


class Leases(Protocol):
    """Where one Lease is kept."""

    def read(self) -> Lease | None: ...

    def write(self, lease: Lease) -> Lease: ...


class Election:
    """One candidate. `identity` must be its own: no other process, and not the same one after a restart."""

    def __init__(
        self,
        leases: Leases,
        identity: str,
        times: LeaseTimes,
        *,
        clock: Callable[[], float] = boot_time,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._leases, self._identity, self._times = leases, identity, times
        self._clock, self._now = clock, now
        self._seen: tuple[object, ...] | None = None
        self._seen_at = 0.0
        self._sent: deque[str] = deque(maxlen=_SENT)
        self.leads = False
        self.holder = ""

    def attempt(self) -> float | None:
        """Try to come to lead, or to go on: until when it leads, by the clock. None: somebody else holds it.

        Raises NotLeadingError when it led, and another one does now; what the Lease's keeper raises when that
        cannot be told.
        """
        found = self._leases.read()
        self._look_at(found)
        mine = self._is_mine(found)
        if self.leads and found is not None and not mine:
            self.leads = False
            raise NotLeadingError(f"{self._name} was taken by {found.holder or 'nobody: it was released'}")
        if not self.leads and not mine and not self._is_free(found):
            return None
        wanted = self._wanted(found)
        self._sent.append(wanted.renewed)
        began = self._clock()
        try:
            written = self._leases.write(wanted)
        except ApiConflictError:  # somebody was faster, or has edited it: the next try tells
            return None
        self._look_at(written)
        self.leads = True
        return began + self._times.deadline

    def release(self) -> None:
        """Give it back, so that another one may lead at once; nothing when it is not ours any more."""
        self.leads = False
        found = self._leases.read()
        if found is not None and self._is_mine(found):
            self._leases.write(released(found, self._now()))

    @property
    def _name(self) -> str:
        return str(self._leases)

    def _look_at(self, lease: Lease | None) -> None:
        says = (lease,) if lease is None else (lease.holder, lease.renewed, lease.acquired, lease.transitions)
        if says != self._seen:
            self._seen, self._seen_at = says, self._clock()
        self.holder = "" if lease is None else lease.holder

    def _is_mine(self, lease: Lease | None) -> bool:
        """Not that of another process with the same identity: it has what this one has written."""
        return lease is not None and lease.holder == self._identity and lease.renewed in self._sent

    def _is_free(self, lease: Lease | None) -> bool:
        """Whether who held it last has stopped by now.

        Nobody says when one that is not there was deleted: its holder may lead still.
        """
        if lease is not None and not lease.holder:
            return True
        lasts = self._times.lasts if lease is None else max(self._times.lasts, lease.seconds)
        return self._clock() - self._seen_at >= lasts

    def _wanted(self, found: Lease | None) -> Lease:
        now = lease_time(self._now())
        if found is None:
            return Lease(self._identity, self._times.lasts, now, now, 0)
        if found.holder == self._identity:
            return replace(found, seconds=self._times.lasts, renewed=now)
        return replace(
            found,
            holder=self._identity,
            seconds=self._times.lasts,
            acquired=now,
            renewed=now,
            transitions=found.transitions + 1,
        )
