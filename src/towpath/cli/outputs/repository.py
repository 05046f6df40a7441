"""What verbs tell about an environment repository."""

from typing import Any

from pydantic import Field

from towpath.cli.outputs.base import ObjectReference, Output, Time
from towpath.cli.outputs.drift import Protection
from towpath.cli.outputs.running import EnvironmentProblem


class FileFinding(Output):
    """One mistake in a file; `line` counts from 1."""

    file: str
    line: int | None
    message: str


class Check(Output):
    """`towpath check`"""

    findings: list[FileFinding]
    notes: list[str]
    objects: int


class MigratedFile(Output):
    """One file that is, or would be, rewritten."""

    path: str
    from_: str | None = Field(alias="from")
    to: str
    diff: str


class Migrate(Output):
    """`towpath migrate`; `commit` is empty where none was made."""

    version: str
    files: list[MigratedFile]
    commit: str
    written: bool


class Loosened(Output):
    """What is looser than the policy that owners have signed."""

    where: str
    what: str
    environment: str
    app: str


class PolicyDiff(Protection):
    """`towpath policy diff`"""

    loosened: list[Loosened]


class PolicySigned(Output):
    """`towpath policy sign`; `commit` is empty where it went into a folder."""

    signed: bool
    commit: str
    key: str


class PolicyExcepted(Output):
    """`towpath policy except`; `commit` is empty where it went into a folder."""

    app: str
    release: str
    until: Time
    owner: str
    commit: str
    files: list[str]


class VendorEntry(Output):
    """What is vendored at one path, or would be."""

    name: str
    path: str
    version: str | None
    commit: str | None
    newer: str | None = None
    latest: str | None = None
    different: str | None = None
    files: list[str] = Field(default_factory=list)
    error: str | None = None
    before: str | None = None
    archive: str | None = None
    tree: str = ""
    changed: bool = False


class Vendor(Output):
    """`towpath vendor`; with `--check` the entries alone."""

    entries: list[VendorEntry]
    notes: list[str] = Field(default_factory=list)
    written: bool = False
    commit: str | None = None
    branch: str | None = None


class NotCarriedOver(Output):
    """What has no counterpart, in a file or on a cluster (`ConfigMap shop/settings`).

    `line` counts from 1, and is 0 where only the file or the object is known.
    """

    file: str
    line: int
    message: str


class Import(Output):
    """`towpath import`; `vendored` is what `towpath vendor` has to fetch."""

    apps: list[str]
    environments: list[str]
    vendored: list[str]
    files: list[str]
    notes: list[NotCarriedOver]
    written: bool


class ServiceAccount(Output):
    """Whom roles are bound to."""

    namespace: str
    name: str


class Rbac(Output):
    """`towpath rbac`; `inventories`: whether they were read. `commit` is empty for a folder.

    `objects` are Kubernetes objects of `rbac.authorization.k8s.io/v1`: each role, followed by its binding.
    """

    environment: str
    commit: str
    account: ServiceAccount
    inventories: bool
    objects: list[dict[str, Any]]
    notes: list[str]


class Deletion(ObjectReference):
    """A live object that a confirmation deletes."""

    uid: str


class Kept(ObjectReference):
    """A live object that stays."""

    reason: str


class Leaving(Output):
    """What is live of the app in one environment."""

    environment: str
    delete: list[Deletion]
    keep: list[Kept]


class Delete(Output):
    """`towpath delete`; `prune`: the commit confirms the deletions. `commit` is null where none was made."""

    app: str
    prune: bool
    environments: list[Leaving]
    problems: list[EnvironmentProblem]
    files: list[str]
    commit: str | None
