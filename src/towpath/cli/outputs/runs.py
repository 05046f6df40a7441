"""What verbs tell about runs."""

from typing import Any, Literal

from pydantic import Field, RootModel

from towpath.cli.outputs.base import Output, Time


class Run(Output):
    """One flow run. `state` is its name at the Prefect server, as in the UI; `url` is its page there."""

    id: str
    name: str
    flow: str
    state: str
    message: str
    tags: list[str]
    parameters: dict[str, Any]
    url: str


class ListedRun(Run):
    """A run with its times and who started it."""

    created: Time | None
    changed: Time | None
    by: str


class StartedRun(Run):
    """A run that is not followed (`--detach`); `new`: it was not there before."""

    new: bool


class Followed(Output):
    """A run that was followed, and the promotions that it led to."""

    outcome: Literal["succeeded", "waiting", "failed"]
    runs: list[Run]


class FollowedOrStarted(RootModel[Followed | StartedRun]):
    """What came of the run; with `--detach` the run."""


class RunList(RootModel[list[ListedRun] | Followed]):
    """`towpath runs`: the newest first; with `--follow` what came of the run."""


class Pause(Output):
    """Who paused what, until when; an empty `app`: all apps."""

    app: str
    until: Time
    reason: str
    by: str
    at: Time


class Paused(Pause):
    """`towpath pause`"""

    environment: str
    commit: str


class Resumed(Output):
    """`towpath resume`; `paused`: another pause that still holds."""

    environment: str
    app: str
    resumed: bool
    commit: str = Field(description="Empty where nothing was paused.")
    paused: Pause | None
