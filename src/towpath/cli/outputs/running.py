"""What verbs tell about an app that runs."""

from typing import Literal

from pydantic import Field

from towpath.cli.outputs.base import Commit, Health, ObjectReference, ObjectVerdict, Output, Time
from towpath.cli.outputs.released import Step


class Event(Output):
    """One event of the cluster; `count`: how often it happened."""

    type: str
    reason: str
    message: str
    count: int
    at: str


class LogTail(Output):
    """The last lines of a container; `previous`: of the one before its last restart."""

    container: str
    previous: bool
    lines: list[str]


class Node(ObjectReference):
    """One object, and what controllers made of it. `created` is null for one that is not there."""

    origin: Literal["git", "left-git", "hook", "controller"]
    owner: ObjectReference | None
    health: Health
    message: str
    created: Time | None
    events: list[Event]
    logs: list[LogTail]
    children: list["Node"]


class Tree(Output):
    """An app in one environment. `applied_commit` is that of the last whole sync."""

    app: str
    environment: str
    release: str | None
    applied_commit: Commit | None
    health: Health | None
    message: str
    notes: list[str]
    objects: list[Node]


class EnvironmentProblem(Output):
    """An environment that could not be read."""

    environment: str
    message: str


class Get(Output):
    """`towpath get`"""

    app: str
    commit: Commit
    environments: list[Tree]
    problems: list[EnvironmentProblem]


class LogLine(Output):
    """`towpath logs`: each line of the output is one such object."""

    environment: str
    namespace: str
    pod: str
    container: str
    time: Time | None
    line: str


class Wait(Output):
    """`towpath wait`. `synced` and `healthy` are null where it was not asked or not looked at."""

    app: str
    environment: str
    commit: Commit
    outcome: Literal["reached", "hopeless", "timeout"]
    release: str | None
    synced: bool | None
    healthy: bool | None
    seconds: float
    message: str
    objects: list[ObjectVerdict]


class Restart(Output):
    """`towpath restart`"""

    app: str
    environment: str
    at: Time
    restarted: list[ObjectReference]


class TracedRelease(Output):
    """The release that Git names there, and how it came in."""

    id: str
    commit: str
    subject: str
    author: str
    promoted_at: Time
    promoted_by: str
    promoted_from: str | None
    approved_by: list[str]
    verified_at: Time | None
    override: str | None


class Trace(Output):
    """One object; `owners` control it, the nearest first."""

    object: ObjectReference
    owners: list[ObjectReference]
    standing: Literal["inventory", "label", "none"] = Field(description="What says whose it is.")
    managers: list[str]
    app: str | None
    environment: str | None
    applied_commit: Commit | None
    file: str | None
    line: int | None
    release: TracedRelease | None
    steps: list[Step]
    notes: list[str]


class Traces(Output):
    """`towpath trace`: one of several kinds or namespaces may have that name."""

    name: str
    commit: Commit
    traces: list[Trace]
