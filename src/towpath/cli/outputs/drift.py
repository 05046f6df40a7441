"""What verbs tell about the difference between Git and clusters."""

from typing import Any, Literal

from pydantic import Field, RootModel

from towpath.cli.outputs.base import After, Commit, Health, ObjectReference, Output, Problem


class Difference(Output):
    """One field by its JSON pointer; null: it is not there. Secrets' values are masked."""

    pointer: str
    live: Any
    desired: Any


class PlanEntry(Output):
    """What a sync would do to one object. `uid` stands beside a deletion only."""

    object: ObjectReference
    action: Literal["create", "configure", "unchanged", "delete", "skip"]
    differences: list[Difference]
    reason: str
    uid: str = ""


class Published(Output):
    """What an agent published, where a machine names no cluster: it was compared with that.

    `commit` is that of the environment repository, empty where it is not known. `signed_by` is null where
    this machine has no trusted keys, so that nothing proves it.
    """

    environment: str
    at: str
    age_seconds: int
    stale: bool
    commit: str
    signed_by: str | None
    warnings: list[str]


class AppPlan(Output):
    """One app; `desired` is the digest of what Git wants."""

    app: str
    environment: str
    desired: str
    summary: str
    entries: list[PlanEntry]


class Plan(AppPlan):
    """`towpath plan`; `published` is null where the cluster was asked.

    `depends_on` are the apps that must be healthy there before this one is synced.
    """

    depends_on: list[str]
    published: Published | None


class NeededEntry(Output):
    """A Secret or ConfigMap that somebody has to make, and the workload whose pods wait for it."""

    object: ObjectReference
    key: str
    pod: str


class Install(AppPlan):
    """`towpath install`; `environment` is the namespace. `left`: what another `towpath install` does."""

    missing: list[NeededEntry]
    applied: bool
    left: list[str]


class DiffOfApp(AppPlan):
    """An app in an environment; `published` is null where the cluster was asked."""

    published: Published | None
    differs: bool
    problems: list[Problem]


class AppProblem(Output):
    """An app that could not be judged; null: all of them."""

    app: str | None
    message: str


class Comparison(Output):
    """All apps of one environment; `unreleased` are those that are not released there.

    `published` is null where the cluster was asked.
    """

    environment: str
    differs: bool | None
    summary: str
    plans: list[AppPlan]
    problems: list[AppProblem]
    unreleased: list[str]
    published: Published | None


class DiffOfEnvironments(Output):
    """`differs` is null where not all could be judged, and nothing known differs."""

    differs: bool | None
    problems: list[Problem]
    environments: list[Comparison] = Field(default_factory=list)


class Diff(RootModel[DiffOfApp | DiffOfEnvironments]):
    """`towpath diff`: of an app, or of environments."""


class AttributedDifference(Difference):
    """One field, and who wrote it last; empty where the API server has not recorded it."""

    manager: str
    operation: str
    time: str


class Manager(Output):
    """A field manager's write."""

    manager: str
    operation: str
    time: str
    fields: list[str]


class DriftEntry(Output):
    """One object that is not as Git wants it."""

    app: str
    object: ObjectReference
    kind: str = Field(description="Kind of the drift, as modified, missing, extra.")
    differences: list[AttributedDifference]
    managers: list[Manager]
    message: str


class Decision(Output):
    """What a reconcile would do about an app; `held`: what it refuses, and why."""

    app: str
    mode: str
    action: str
    reason: str
    held: str = ""


class DriftReport(Output):
    """What is found now; `published` is null where the cluster was asked."""

    environment: str
    commit: Commit
    summary: str
    entries: list[DriftEntry]
    uncompared: list[Any]
    decisions: list[Decision]
    broken: dict[str, str]
    published: Published | None


class FormerDrift(Output):
    """What an earlier reconcile found, with its report as Markdown."""

    at: str
    summary: str
    run: str
    report: str


class Drift(RootModel[DriftReport | list[FormerDrift]]):
    """`towpath drift`; with `--history` what earlier reconciles found."""


class WaitingFor(Output):
    """A promotion that waits for people, or until the time at which its soak is over."""

    run: str
    name: str
    for_: str = Field(alias="for")
    url: str
    until: str


class StatusLine(Output):
    """One app in one environment. Empty texts: nothing is known, or nothing there.

    An app without images has no `release`: `commit` is the newest that changed it.
    """

    app: str
    environment: str
    release: str
    manifests: str = Field(description="Hash of what was verified of an app without images, as Git has it.")
    commit: str
    subject: str
    promoted_at: str
    promoted_by: str
    verified_at: str
    override: str
    health: Health
    drift: str
    detail: str
    checked_at: str
    paused: str
    error: str
    newer: str
    undelivered: str
    delivery: str
    after: After
    waiting: list[WaitingFor]


class EnvironmentLine(Output):
    """One environment; `failed`: how its newest reconcile failed."""

    name: str
    after: After
    extras: str
    failed: str
    failed_at: str
    error: str


class Protection(Output):
    """Who protects the policy, and who has signed it; empty where nobody has."""

    owners: list[str]
    signed_by: str
    signed_at: str
    notes: list[str]


class Status(Output):
    """`towpath status`"""

    commit: Commit
    apps: list[StatusLine]
    environments: list[EnvironmentLine]
    policy: Protection
