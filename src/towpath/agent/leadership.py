"""Keeps an agent's leadership in threads of its own: waits for it, renews it, ends the agent without it."""

import random
import socket
import threading
import uuid
from collections.abc import Callable

from towpath.agent.election import Election, Leases
from towpath.errors import NotLeadingError, TowpathError, as_towpath_error
from towpath.fence import Fence
from towpath.kube.lease import LeaseTimes

STUCK = 60.0
"""Seconds after which a thread that has not turned does not turn any more."""
JITTER = 0.2
TICK = 0.5
"""Seconds between two looks at the deadline, at most."""


def new_identity() -> str:
    """Names this process for people, and is no other's: `agent-7c9d_0b6f…`."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


class Leadership:
    """One candidate for the Lease of its environment. `led` is called once it leads, and `lost` when it does
    not any more, each from a thread: the process must end then.
    """

    def __init__(  # noqa: PLR0913
        self,
        leases: Leases,
        fence: Fence,
        times: LeaseTimes,
        say: Callable[[str], None],
        *,
        led: Callable[[], object],
        lost: Callable[[TowpathError], object],
    ) -> None:
        self._leases, self._fence, self._times = leases, fence, times
        self._say, self._led, self._lost = say, led, lost
        self.identity = new_identity()
        self._election = Election(leases, self.identity, times, clock=fence.clock)
        self._ended, self._over = threading.Event(), threading.Lock()
        self._turned = fence.clock()
        self._said = ""
        self.trouble = ""
        self.leads = False
        self._candidate = threading.Thread(target=self._keep, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to wait for the Lease."""
        self._candidate.start()

    def summary(self) -> str:
        """Who leads, for people."""
        if self.leads:
            return f"this agent leads: it holds {self._leases}"
        return f"standby: {self._held()}"

    def not_alive(self) -> list[str]:
        """Why it will never lead."""
        stuck = self._fence.clock() - self._turned >= STUCK
        return [f"the election of {self._leases} does not turn any more"] if stuck else []

    def end(self, *, quiet: bool) -> None:
        """Write nothing any more, and give the Lease back if all that this agent has begun is over (`quiet`).

        Else it is kept until it runs out: by then what is under way has come to its end.
        """
        with self._over:
            self._ended.set()
        led, self.leads = self.leads, False
        self._fence.close()
        self._candidate.join(self._times.deadline)
        if not (led and quiet) or self._candidate.is_alive():
            return
        try:
            self._election.release()
        except Exception as raised:  # noqa: BLE001 - it runs out by itself
            self._say(f"{self._leases} is not given back: {as_towpath_error(raised).message}")

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._turned = self._fence.clock()
            try:
                self._turn()
            except NotLeadingError as error:
                self._lose(error.message)
                return
            except Exception as raised:  # noqa: BLE001 - it is tried again
                self._note(as_towpath_error(raised))
            self._ended.wait(self._times.retry * random.uniform(1.0, 1.0 + JITTER))  # noqa: S311 - jitter

    def _turn(self) -> None:
        if self.leads and self._fence.left() <= 0:
            raise self._late()
        wall = self._fence.wall()
        until = self._election.attempt()
        if self.trouble:
            self.trouble = self._said = ""
        if until is None:
            self._tell(self.summary())
            return
        if self._ended.is_set():
            return
        if not self._fence.open(until, wall + self._times.deadline):
            raise self._late()
        if not self.leads:
            self.leads = True
            self._tell(self.summary())
            threading.Thread(target=self._watch_deadline, name="deadline", daemon=True).start()
            self._led()

    def _watch_deadline(self) -> None:
        """Beside the renewal, which may wait for an answer."""
        while not self._ended.wait(min(max(self._fence.left(), 0.0), TICK)):
            if self._fence.left() <= 0:
                self._lose(self._late().message)
                return

    def _late(self) -> NotLeadingError:
        why = self.trouble or "there was no answer in time, or this process was stopped or got no processor"
        return NotLeadingError(f"{self._leases} was not renewed for {self._times.deadline:.0f} s: {why}")

    def _lose(self, why: str) -> None:
        with self._over:
            if self._ended.is_set():
                return
            self._ended.set()
        self._fence.close()
        self._lost(
            NotLeadingError(
                f"this agent does not lead any more: {why}",
                remedy="It ends, and waits for the Lease when it is started again.",
            )
        )

    def _held(self) -> str:
        holder = self._election.holder
        return f"{self._leases} is held by {holder}" if holder else f"{self._leases} is held by nobody yet"

    def _note(self, error: TowpathError) -> None:
        self.trouble = error.message
        self._tell(str(error))

    def _tell(self, text: str) -> None:
        """Once, until something else is so."""
        if text != self._said:
            self._said = text
            self._say(text)
