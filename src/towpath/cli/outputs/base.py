"""What the outputs of several verbs have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Time = Annotated[str, Field(description="RFC 3339.")]
Commit = Annotated[str, Field(description="Whole commit id.")]
Health = Annotated[
    str, Field(description="Healthy, Suspended, Progressing, Unknown, Missing or Degraded; empty: not known.")
]


After = Annotated[
    list[list[str]],
    Field(
        description="What it comes after in a graph of environments: one of each list. Empty without a graph."
    ),
]


class Output(BaseModel):
    """All keys are always there, unless one has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectReference(Output):
    """Names one object; `namespace` is empty for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str


class ObjectVerdict(Output):
    """The health of one object."""

    kind: str
    namespace: str
    name: str
    status: Health
    message: str


class Problem(Output):
    """What could not be read or judged; null stands for all."""

    environment: str | None
    app: str | None
    message: str


class Finding(Output):
    """One part that was looked at by `--check`."""

    part: str
    ok: bool
    detail: str
    remedy: str
