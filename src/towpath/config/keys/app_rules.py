"""The rules of an environment for its apps: fields of others, deletions, exceptions for single apps."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from towpath.config.keys.fields import DriftMode, Model, Text
from towpath.fields.managed_fields import MANAGER


class IgnoreRule(Model):
    """Fields that others own, by pointer or by field manager: never applied, never drift."""

    kind: Annotated[Text, Field(description="`*`: any kind.")]
    name: Text | None = None
    pointer: (
        Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])+)+$(?!\n)", max_length=1000)] | None
    ) = None
    manager: Annotated[
        Text | None,
        Field(description="Every field that this field manager owns (below `pointer`, if there is one)."),
    ] = None

    @model_validator(mode="after")
    def _names_fields(self) -> "IgnoreRule":
        if self.pointer is None and self.manager is None:
            raise ValueError("must have `pointer` (a field), `manager` (a field manager), or both")
        return self


class PruneLimit(Model):
    """One sync deletes at most max(`limit`, `share` of the inventory) objects."""

    limit: Annotated[int, Field(ge=0)] = 3
    share: Annotated[float, Field(ge=0, le=1)] = 0.2


class AppPolicy(Model):
    """The policies of an environment for one app."""

    drift: Annotated[DriftMode | None, Field(description="null: as the environment.")] = None
    take_over: Annotated[
        tuple[Text, ...],
        Field(description="Field managers, as `helm`, from which Towpath takes the app's objects over."),
        Field(max_length=20),
    ] = ()

    @field_validator("take_over")
    @classmethod
    def _not_of_the_cluster(cls, managers: tuple[str, ...]) -> tuple[str, ...]:
        for manager in managers:
            if manager.startswith("kube-") or manager in ("kubelet", MANAGER):
                raise ValueError(f"`{manager}` is part of Kubernetes or Towpath, and deploys nothing")
        return managers
