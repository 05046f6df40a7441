"""How flows and steps run: visibly named, retried on transient errors only, never cached or persisted."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, StateType, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.flows import Flow
from prefect.states import Completed, Failed, Scheduled
from prefect.tasks import exponential_backoff

from towpath.errors import ConflictError, RefusedError, TerminalError, TowpathError, TransientError
from towpath.orchestration.execution import server_clock
from towpath.orchestration.keys import JOINED, PROMOTE, ROLLBACK, SOAKS, SUPERSEDED, WAITS
from towpath.redact import install_log_redaction, redact, redact_error, remember_environment_secrets
from towpath.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

TRIES_AFTER_FIRST = 4
"""Retries of a transient error: about 2, 4, 8 and 16 seconds apart."""
LONGEST_WISH = 120.0
"""Seconds that a step waits because the other side asks for it; it fails where that is longer."""


class RejectedError(RefusedError):
    """A person said no: the run ends as cancelled, not as failed."""


class SupersededError(ConflictError):
    """A newer release has taken the place of this one, which waited: the run ends as cancelled."""


class JoinedError(TerminalError):
    """Another run waits with the same release: this one has nothing to do, and is done."""


class WaitingError(TerminalError):
    """Something must come first: the run ends without a failure, and is begun again a while later."""


class SoakingError(TerminalError):
    """The release has not been verified for long enough in the environment before: the run ends without a
    failure, and is begun again at `end`.
    """

    def __init__(self, message: str, end: datetime) -> None:
        super().__init__(f"{message}; it goes on at {end:%Y-%m-%d %H:%M:%S} UTC")
        self.end = end


class UnfinishedError(TransientError):
    """An outage in the middle: the run ends without a failure for now, and is begun again a while later."""


WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=7)
"""Until a run that waits begins again; how old it may be for that."""
MOST_OUTAGES = 20
"""So often a run is begun again because of outages: for half an hour where each is told at once, for two
where nobody answers.
"""
RESUMED = (PROMOTE, ROLLBACK)
"""Flows of which no later attempt is ended by an outage: something was begun or approved before it."""

_ENDS: dict[type[TowpathError], tuple[StateType, str]] = {
    RejectedError: (StateType.CANCELLED, "Rejected"),
    SupersededError: (StateType.CANCELLED, SUPERSEDED),
    JoinedError: (StateType.COMPLETED, JOINED),
}
"""Errors that are no failures, and how a run ends by them."""


def settings() -> Settings:
    """What this worker's environment says."""
    return Settings.load(os.environ)


def cause_of(state: "State[Any]") -> BaseException | None:
    """The exception a failed state carries, if this process still has it."""
    data = getattr(state.data, "result", state.data)
    return data if isinstance(data, BaseException) else None


def transient_only(_task: "Task[..., Any]", _run: TaskRun, state: "State[Any]") -> bool:
    """Whether trying again can help: never after a policy's refusal or a bug.

    Returns when the other side may be asked again. Prefect's own pause knows nothing of its wish, and comes
    on top.
    """
    cause = cause_of(state)
    if not isinstance(cause, TowpathError) or not cause.transient:
        return False
    wish = cause.retry_after if isinstance(cause, TransientError) else None
    if wish is not None and wish > LONGEST_WISH:
        return False
    time.sleep(wish or 0.0)
    return True


def is_last_try() -> bool:
    """Whether this try of the step is followed by no other; outside of a step, too."""
    context = TaskRunContext.get()
    return context is None or context.task_run.run_count > TRIES_AFTER_FIRST


def step(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task called `name`, a format string over its parameters: `build {source.app}`."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        @wraps(function)
        def redacted(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                redact_error(error)  # Prefect makes the run's state and log of it
                raise

        return task(
            task_run_name=name,
            retries=TRIES_AFTER_FIRST,
            retry_delay_seconds=exponential_backoff(backoff_factor=2),
            retry_jitter_factor=0.5,
            retry_condition_fn=transient_only,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(redacted)

    return decorate


def towpath_flow(function: Callable[P, R]) -> Flow[P, R]:
    """A flow whose end reads as a sentence: an error of ours becomes its state's message, a text too."""

    @wraps(function)
    def readable(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast(R, end(*args, **kwargs))

    def end(*args: P.args, **kwargs: P.kwargs) -> Any:
        install_log_redaction()
        remember_environment_secrets(os.environ)
        try:
            result = function(*args, **kwargs)
        except TowpathError as error:
            redact_error(error)
            message = str(error)
            if again := _begins_again(error, function.__name__):
                message = f"goes on at {again:%H:%M:%S} UTC: {message}" if error.transient else message
                return Scheduled(scheduled_time=again, message=message, name=WAITS)
            if isinstance(error, SoakingError):
                return Scheduled(scheduled_time=server_clock.theirs(error.end), message=message, name=SOAKS)
            if type(error) not in _ENDS:
                return Failed(message=message)
            kind, name = _ENDS[type(error)]
            return State(type=kind, name=name, message=message)
        except Exception as error:
            redact_error(error)
            raise

        return Completed(message=redact(result)) if isinstance(result, str) else result

    return flow(name=function.__name__, persist_result=False)(readable)


@contextmanager
def finishing() -> Iterator[None]:
    """An outage does not end what begins here: UnfinishedError in place of another transient error."""
    try:
        yield
    except TowpathError as error:
        if not error.transient:
            raise
        raise UnfinishedError(error.message, remedy=error.remedy) from error


def _begins_again(error: TowpathError, flow: str) -> datetime | None:
    """When the current run begins again by itself; None when it ends by this error."""
    context, now = FlowRunContext.get(), server_clock.now()
    run = context.flow_run if context else None
    if run is None or run.created is None:
        return None
    waits = isinstance(error, WaitingError) and now - run.created < LONGEST_WAIT
    resumed = error.transient and flow in RESUMED and run.run_count > 1
    unfinished = (resumed or isinstance(error, UnfinishedError)) and run.run_count <= MOST_OUTAGES
    return now + WAIT if waits or unfinished else None
