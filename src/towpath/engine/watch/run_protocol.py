"""What a watcher asks of flow runs: whether one is under way, one reconcile, a record of a past one."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.reconcile.rounds import Further, only_one


@dataclass(frozen=True, slots=True)
class Ended:
    """How a reconcile ended. `again`: trying again can help; `done` is None when it was not concluded."""

    summary: str
    failed: bool
    again: bool = False
    done: ReconcileResult | None = None


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A reconcile that no server knows of yet."""

    apps: tuple[str, ...]
    started: datetime
    ended: datetime
    summary: str
    failed: bool


class Runner(Protocol):
    """Makes flow runs. Nothing of it raises because the server is away."""

    def locked(self) -> AbstractContextManager[bool | None]:
        """Hold the environment's lock for what is run meanwhile.

        False when somebody else holds it, None when the server does not answer: then it is not held.
        """

    def is_away(self) -> bool:
        """Whether the server does not answer; asked once, and quickly."""

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        """A flow run of `reconcile` in this process, of some apps or (None) of all.

        `further` is asked after each of its rounds. None when the server went away meanwhile.
        """

    def record(self, past: Unrecorded) -> bool:
        """Make the run that `past` would have been; False while the server is away."""
