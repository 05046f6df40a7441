"""What is sound is the same as pydantic makes of it; for anything else pydantic is asked."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from pydantic import ConfigDict, TypeAdapter, with_config

from towpath.formats.strict_build import NotSoundError, build


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Outer:
    kind: Literal["a", "b"]
    items: tuple[Inner, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    maybe: str | None = None
    inner: Inner | None = None
    yes: bool = False

    def __post_init__(self) -> None:
        if self.counts.get("bad"):
            raise ValueError("bad")


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "a"},
        {"kind": "b", "items": [{"name": "x"}, {"name": "", "number": -(10**30)}], "counts": {"": 1}},
        {"kind": "a", "maybe": None, "inner": None, "items": [], "counts": {}, "yes": True},
        {"kind": "a", "maybe": "ü\x00", "inner": {"name": "n", "number": 1}},
    ],
)
def test_sound_data_is_as_pydantic_makes_it(data: Any) -> None:
    strict = TypeAdapter(with_config(ConfigDict(strict=True))(Outer))
    assert build(Outer, data) == strict.validate_json(json.dumps(data))


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"kind": "c"},
        {"kind": ["a"]},
        {"kind": "a", "other": 1},
        {"kind": "a", "items": [{"number": 1}]},
        {"kind": "a", "items": [None]},
        {"kind": "a", "items": {"name": "x"}},
        {"kind": "a", "counts": {"a": 1.0}},
        {"kind": "a", "counts": {"a": True}},
        {"kind": "a", "counts": {1: 1}},
        {"kind": "a", "counts": {"a": "1"}},
        {"kind": "a", "maybe": 1},
        {"kind": "a", "maybe": "\ud800"},
        {"kind": "a", "yes": 1},
    ],
)
def test_everything_else_is_not_sound(data: Any) -> None:
    with pytest.raises(NotSoundError):
        build(Outer, data)


def test_what_the_dataclass_itself_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="bad"):
        build(Outer, {"kind": "a", "counts": {"bad": 1}})
