"""A reconcile goes on with what changed while it worked: in the same run, under the same lock.

Only who watches knows of such changes, so a reconcile that nobody watches has one round.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.work import Outcome

Further = Callable[[ReconcilePlan, Sequence[Outcome]], Sequence[str]]
"""What a round has found and done -> the apps of the next round; none: it was the last one."""


def only_one(_plan: ReconcilePlan, _outcomes: Sequence[Outcome]) -> Sequence[str]:
    """As Further: there is no other round."""
    return ()


_further: ContextVar[Further] = ContextVar("further", default=only_one)


@contextmanager
def going_on(further: Further) -> Iterator[None]:
    """Ask `further` after each round in this context, at any depth."""
    token = _further.set(further)
    try:
        yield
    finally:
        _further.reset(token)


def apps_of_next_round(plan: ReconcilePlan, outcomes: Sequence[Outcome]) -> list[str]:
    """The apps that changed meanwhile; none where all is said."""
    return list(_further.get()(plan, outcomes))
