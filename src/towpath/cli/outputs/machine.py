"""What verbs tell about this machine: parts, keys, health of given objects."""

from typing import Any, Literal

from pydantic import Field, RootModel

from towpath.cli.outputs.base import Finding, ObjectVerdict, Output, Time


class Findings(RootModel[list[Finding]]):
    """`--check` of an agent or a door."""


class PartCheck(Output):
    """One part; `gettable`: missing, but `towpath local up` gets it. `absent`: missing, but not needed."""

    name: str
    status: Literal["ok", "gettable", "missing", "absent"]
    detail: str
    remedy: str


class Doctor(RootModel[list[PartCheck]]):
    """`towpath doctor`"""


class HealthVerdicts(RootModel[list[ObjectVerdict]]):
    """`towpath health`: in the order of the text."""


class Component(Output):
    """One component of the local stack; `memory` in bytes, `uptime` in seconds."""

    name: str
    what: str
    state: str
    pid: int | None
    ports: list[int]
    memory: int | None
    uptime: float | None
    ready: bool
    problem: str
    died: int
    last_death: dict[str, Any] | None


class LocalStatus(RootModel[list[Component]]):
    """`towpath local status`"""


class Key(Output):
    """One trusted key; `private`: its private part is in the folder."""

    names: list[str]
    kind: str
    fingerprint: str
    uses: list[str]
    state: Literal["valid", "retired", "not yet valid"]
    valid_after: Time | None
    valid_before: Time | None
    private: bool


class KeyList(RootModel[list[Key]]):
    """`towpath keys list`"""


class KeyMade(Output):
    """`towpath keys make`; `private` is the file of the private part."""

    name: str
    fingerprint: str
    private: str


class KeyTrusted(Output):
    """`towpath keys trust`"""

    name: str
    fingerprint: str


class KeyRotated(Output):
    """`towpath keys rotate`; `retired` are the former keys, valid until `until`."""

    name: str
    fingerprint: str
    retired: list[str]
    until: Time | None


class KeysRetired(Output):
    """`towpath keys retire`"""

    name: str
    fingerprints: list[str]
    stolen: bool


class KeyShown(Output):
    """`towpath keys show`"""

    name: str
    fingerprint: str
    openssh: str
    pem: str = Field(description="The same for cosign.")
