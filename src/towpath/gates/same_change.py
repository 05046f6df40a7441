"""Whether a change of manifests is one that was verified in another environment. Pure.

A change is each field that differs between what an environment had and what it is to have. It was verified
where the other environment's manifests have the same at the same place. Fields that the environments have
always had otherwise are none, so overlays may differ. Namespaces that have a name of their own in each
environment are taken for each other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.fields import pointer
from towpath.kube.diff import item_names
from towpath.objects import Manifest, ObjectRef, ref_of

MAX_TOLD = 5
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What is known of a change of an app without images.

    `manifests` is the hash of what it renders. `verified_at` is when the same change was verified in the
    environment before, `unverified` says why it was not. `verified_here`: these manifests were, in this one.
    """

    manifests: str
    verified_at: str = ""
    unverified: str = ""
    verified_here: bool = False


def unverified_fields(
    before: Sequence[Manifest],
    now: Sequence[Manifest],
    verified: Sequence[Manifest],
    namespaces: Mapping[str, str],
) -> Iterator[str]:
    """The changed objects and fields, `before` to `now`, that `verified` does not have so; no values.

    `namespaces` are those of the environment of `verified`, each with what it is called in this one.
    Of an object that is new here, `verified` must have one of this name; its fields may be those of here.
    """
    theirs = _by_ref([_renamed(each, namespaces) for each in verified])
    old, new = _by_ref(before), _by_ref(now)
    for ref in sorted(old.keys() | new.keys()):
        if ref not in new:
            if ref in theirs:
                yield f"{ref} is removed"
        elif ref not in theirs:
            if old.get(ref) != new[ref]:
                yield f"{ref} is {'changed' if ref in old else 'new'}, and is not there"
        elif ref in old:
            yield from (f"{ref} {at}" for at in _differing(old[ref], new[ref], theirs[ref], ""))


def _by_ref(manifests: Sequence[Manifest]) -> Mapping[ObjectRef, Manifest]:
    return {ref_of(each): each for each in manifests}


def _renamed(value: Any, namespaces: Mapping[str, str]) -> Any:
    """The value with other names of namespaces, where such a name is a whole text."""
    if isinstance(value, dict):
        return {key: _renamed(each, namespaces) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, namespaces) for each in value]
    return namespaces.get(value, value) if isinstance(value, str) else value


def _differing(old: Any, new: Any, theirs: Any, at: str) -> Iterator[str]:
    """Pointers to what changed from `old` to `new` and is otherwise in `theirs`."""
    if _same(old, new) or _same(new, theirs):
        return
    if isinstance(new, dict) and isinstance(theirs, dict) and isinstance(old, dict):
        for key in sorted(old.keys() | new.keys()):
            was, is_now, there = (each.get(key, _ABSENT) for each in (old, new, theirs))
            yield from _differing(was, is_now, there, at + pointer.build((key,)))
    elif isinstance(new, list) and isinstance(theirs, list) and isinstance(old, list):
        yield from _differing_items(old, new, theirs, at)
    else:
        yield at


def _differing_items(old: list[Any], new: list[Any], theirs: list[Any], at: str) -> Iterator[str]:
    names = [item_names(each) for each in (old, new, theirs)]
    if any(each is None for each in names):
        if not len(old) == len(new) == len(theirs):
            yield at
            return
        names = [[*range(len(old))]] * 3
    order = [[name for name in each or () if name in (names[0] or ())] for each in names]
    if order[1] != order[0] and order[1] != order[2]:  # arguments and containers take effect in their order
        yield at
    tables = [
        dict(zip(map(str, each or ()), items, strict=True))
        for each, items in zip(names, (old, new, theirs), strict=True)
    ]
    for name in dict.fromkeys([*tables[0], *tables[1]]):
        was, is_now, there = (table.get(name, _ABSENT) for table in tables)
        yield from _differing(was, is_now, there, f"{at}{pointer.build((name,))}")


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is not true."""
    if one is other or _ABSENT in (one, other):
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
