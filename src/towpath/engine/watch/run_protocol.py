"""What a watcher asks of flow runs: whether one is under way, one reconcile, a record of a past one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from towpath.engine.reconcile.result import ReconcileResult


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

    def busy(self) -> bool | None:
        """Whether somebody holds the environment's lock; None when the server does not answer."""

    def run(self, apps: Sequence[str] | None) -> Ended | None:
        """A flow run of `reconcile` in this process, of some apps or (None) of all.

        None when the server went away meanwhile.
        """

    def record(self, past: Unrecorded) -> bool:
        """Make the run that `past` would have been; False while the server is away."""
