"""The models of a gate in `towpath.yaml`: what is asked of a release before it enters an environment."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from towpath.config.keys.fields import Duration, Model, Name, Text

PLANNED_KINDS = ("identified", "reviewed")
"""Kinds of approvals that are not there yet."""


def _built(kind: object) -> object:
    if kind in PLANNED_KINDS:
        raise ValueError(f"`{kind}` is planned and not there yet: must be `declared` or `signed`")
    return kind


class Approvals(Model):
    """How many people must approve, who may, and what proves that they did."""

    required: Annotated[int, Field(ge=0)] = 0
    approvers: Annotated[tuple[Text, ...], Field(alias="from")] = ()
    groups: Annotated[
        tuple[Name, ...], Field(description="Groups of `people` whose members may approve, too.")
    ] = ()
    kind: Annotated[
        Literal["declared", "signed"],
        BeforeValidator(_built),
        Field(description="declared: a given name counts. signed: a signature by that person's key does."),
    ] = "declared"
    expires: Annotated[Duration, Field(description="How long an approval counts.")] = timedelta(days=7)

    @field_validator("expires")
    @classmethod
    def _counts_at_all(cls, value: timedelta) -> timedelta:
        if not value:
            raise ValueError("must be longer than nothing")
        return value


class Gate(Model):
    """The conditions under which a release may enter the environment."""

    verified_in: Annotated[
        Text | None,
        Field(description="Earlier environment where it must be verified; null: the one before this one."),
    ] = None
    soak: Annotated[Duration, Field(description="How long it must have been verified there.")] = timedelta()
    approvals: Approvals = Approvals()
