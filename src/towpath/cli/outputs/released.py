"""What verbs tell about releases."""

from typing import Any, Literal

from pydantic import Field, RootModel

from towpath.cli.outputs.base import After, Commit, Output, Time


class Step(Output):
    """One step of the chain from source to promotion, and who says it."""

    step: str
    standing: Literal["proven", "claimed", "failed", "unknown"]
    by: str
    detail: str


class Verify(Output):
    """`towpath verify`. `holds`: no step has failed."""

    app: str
    environment: str
    commit: Commit
    release: str | None
    holds: bool
    steps: list[Step]


class Image(Output):
    """One image of a release."""

    name: str
    image: str
    digest: str


class Scan(Output):
    """`objection`: why today's scan policy would not let the release in; empty where it would."""

    status: Literal["passed", "blocked", "not-scanned"]
    scanners: list[str]
    counts: dict[str, int]
    objection: str


class Evidence(Output):
    """Whether a key that this machine trusts proves the release."""

    standing: Literal["proven", "excepted", "failed", "unknown"]
    by: str
    detail: str


class Stay(Output):
    """A release in one environment; `current`: Git says that it runs there now."""

    environment: str
    current: bool
    promoted_at: Time
    promoted_by: str
    approved_by: list[str]
    verified_at: Time | None
    rolled_back_at: Time | None
    quarantined: str | None


class Release(Output):
    """One release."""

    id: str
    commit: str
    subject: str
    author: str
    built_at: str
    images: list[Image]
    scan: Scan
    evidence: Evidence
    runs_in: list[str]
    environments: list[Stay]


class Releases(Output):
    """`towpath releases`: the newest first."""

    app: str
    commit: Commit
    releases: list[Release]
    notes: list[str]


class HistoryEntry(Output):
    """One release's time in one environment."""

    environment: str
    after: After
    state: dict[str, Any] = Field(description="As release.yaml has it, with the `id` of its release.")
    commit: Commit
    committed_at: Time
    rolled_back_at: Time | None
    quarantined: str | None
    what: str


class HistoryChange(Output):
    """A commit that changed an app without images in one environment, and whether that was verified there."""

    environment: str
    after: After
    what: Literal["merged"]
    commit: Commit
    committed_at: Time
    author: str
    subject: str
    manifests: str | None = Field(description="Hash of what was rendered.")
    verified_at: Time | None
    verified_commit: Commit | None = Field(description="The commit that was rendered when it was verified.")


class History(RootModel[list[HistoryEntry | HistoryChange]]):
    """`towpath history`: the newest first."""
