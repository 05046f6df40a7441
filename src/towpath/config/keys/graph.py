"""The order of environments: a list, or a graph where one of them says what it comes `after`. Pure."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from towpath.config.keys.fields import Model, Name

if TYPE_CHECKING:
    from towpath.config.keys.models import Environment

Needs = tuple[tuple[str, ...], ...]
"""Groups of environments: a release must be verified in one of each group."""
_LIST = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 50}


class After(Model):
    """The environments that come before one: all of them, or any."""

    all: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    any: Annotated[tuple[Name, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> "After":
        if bool(self.all) == bool(self.any):
            raise ValueError("must name environments: a list, `{all: [...]}` or `{any: [...]}`")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The environments, in their order."""
        return self.all or self.any

    @property
    def needs(self) -> Needs:
        """What it asks of a release."""
        return (self.any,) if self.any else tuple((name,) for name in self.all)


def _written(value: Any) -> Any:
    """A list means all; what comes from here is no JSON any more, so that lists are not taken for tuples."""
    if isinstance(value, list | tuple):
        return {"all": tuple(value)}
    if isinstance(value, dict):
        return {key: tuple(each) if isinstance(each, list) else each for key, each in value.items()}
    return value


AfterKey = Annotated[
    After,
    BeforeValidator(_written),
    WithJsonSchema(
        {
            "anyOf": [
                _LIST,
                *(
                    {
                        "type": "object",
                        "properties": {key: _LIST},
                        "required": [key],
                        "additionalProperties": False,
                    }
                    for key in ("all", "any")
                ),
            ]
        }
    ),
]


def is_graph(environments: Iterable["Environment"]) -> bool:
    """Whether the order is written down: then an environment without `after` comes first."""
    return any(each.after is not None for each in environments)


def needs_of(environments: Sequence["Environment"]) -> dict[str, Needs]:
    """Where a release must be verified before it enters each environment.

    In a list that is the environment before, or the gate's `verifiedIn`. In a graph it is what `after` says;
    after an environment with `rollout: sequential` also the one that comes in before.
    """
    if not is_graph(environments):
        return dict(_of_list(environments))
    needs = {each.name: each.after.needs if each.after else () for each in environments}
    written = {each.name: each.after.names for each in environments if each.after}
    order = sorted_names(environments)
    for each in environments:
        if each.rollout == "sequential":
            followers = [name for name in order if each.name in written.get(name, ())]
            for before, name in itertools.pairwise(followers):
                needs[name] = tuple(dict.fromkeys((*needs[name], (before,))))
    return needs


def sorted_names(environments: Sequence["Environment"]) -> list[str]:
    """The names, each after those before it, else as in the file; those of a circle last."""
    left = {each.name: set(each.after.names if each.after else ()) for each in environments}
    order: list[str] = []
    while left:
        name = next((name for name, before in left.items() if before.isdisjoint(left)), next(iter(left)))
        order.append(name)
        del left[name]
    return order


def flat(needs: Needs) -> tuple[str, ...]:
    """The environments in it, each once."""
    return tuple(dict.fromkeys(name for group in needs for name in group))


def all_before(name: str, needs: Mapping[str, Needs]) -> set[str]:
    """The environments through which a release comes before it enters one, however many are between."""
    found, pending = set[str](), [name]
    while pending:
        new = set(flat(needs.get(pending.pop(), ()))) - found
        found |= new
        pending += new
    return found


def needs_text(needs: Needs) -> str:
    """`dev`, `prod-eu and prod-us`, `prod-eu or prod-us`."""
    return " and ".join(" or ".join(group) for group in needs)


def implied(group: Sequence[str], needs: Needs) -> bool:
    """Whether who meets `needs` is verified in one of the group."""
    return any(set(other) <= set(group) for other in needs)


def needs_passing(
    name: str, needs: Mapping[str, Needs], is_in: Callable[[str], bool], passed: tuple[str, ...] = ()
) -> Needs:
    """The needs of an environment for an app that is not in all of them: of those, their own needs count.

    Those of a group that ask for nothing open no way past the others. In a circle, which what is signed and
    what is in the files may make together, an environment `passed` already is asked for: nothing meets that.
    """
    found: dict[tuple[str, ...], None] = {}
    for group in needs[name]:
        ways: Needs = ((),)
        for other in group:
            asked = is_in(other) or other in (name, *passed)
            member = ((other,),) if asked else needs_passing(other, needs, is_in, (name, *passed))
            if member:
                ways = tuple(tuple(dict.fromkeys((*one, *more))) for one in ways for more in member)
        found |= dict.fromkeys(way for way in ways if way)
    return tuple(found)


def _of_list(environments: Sequence["Environment"]) -> Iterator[tuple[str, Needs]]:
    before = None
    for each in environments:
        first = each.gate.verified_in or before
        yield each.name, ((first,),) if first else ()
        before = each.name
