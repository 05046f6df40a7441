"""Adopting drift: which live edits may be written to Git, and the rendering that is then expected. Pure."""

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towpath.drift.model import DriftEntry
from towpath.fields.pointer import build, parse, read
from towpath.kube.diff import Difference, format_value
from towpath.kube.image_fields import is_image_key
from towpath.objects import Manifest, ObjectRef
from towpath.redact import redact
from towpath.release.image_ref import same_repository
from towpath.yamltext.editor import put_value
from towpath.yamltext.path import YamlPath

MAX_FIELDS = 100
"""Fields of one app that one proposal adopts."""
_NEVER = {
    "extra": "nobody declared it: put it into Git, or delete it",
    "deleted": "it was deleted by hand: to keep it so, remove it from Git",
    "unapplied": "Git wants something new here, which is carried out first",
}


@dataclass(frozen=True, slots=True)
class ListItem:
    """A step into a list: the item of that name; of that index where items have no names."""

    name: str = ""
    index: int = 0


Address = tuple[str | ListItem, ...]


@dataclass(frozen=True, slots=True)
class AdoptableChange:
    """One field that Git gets as it is live. `live` is None where Git has to lose the field."""

    ref: ObjectRef
    pointer: str
    address: Address
    live: Any
    git: Any
    who: str = ""

    def __str__(self) -> str:
        who = f" ({self.who})" if self.who else ""
        return f"{self.ref} {self.pointer}: {format_value(self.git)} -> {format_value(self.live)}{who}"


@dataclass(frozen=True, slots=True)
class NotAdopted:
    """Drift that is not adopted, and the reason. An empty pointer: the whole object."""

    ref: ObjectRef
    pointer: str
    reason: str

    def __str__(self) -> str:
        where = f" {self.pointer}" if self.pointer else ""
        return f"{self.ref}{where}: {self.reason}"


def select_changes(
    entries: Iterable[DriftEntry],
    live: Mapping[ObjectRef, Manifest],
    rendered: Mapping[ObjectRef, Manifest],
    images: Collection[str],
) -> tuple[tuple[AdoptableChange, ...], tuple[NotAdopted, ...]]:
    """(changes to adopt, drift that is not adopted). `images` are the repositories of the app's releases."""
    changes: list[AdoptableChange] = []
    left: list[NotAdopted] = []
    for entry in entries:
        reason = _whole_reason(entry, live, rendered)
        if reason:
            left.append(NotAdopted(entry.ref, "", reason))
            continue
        for difference, who in entry.attributed:
            told = str(who) if who else ""
            change = _change(entry.ref, difference, live[entry.ref], rendered[entry.ref], told)
            if change.live is None and not expected_renderings(rendered[entry.ref], change):
                continue  # Git has it as little as the cluster: a default that goes with another value
            reason = _reason(change, images)
            if not reason and len(changes) == MAX_FIELDS:
                reason = f"{MAX_FIELDS} fields are adopted at once; the next time is its turn"
            if reason:
                left.append(NotAdopted(entry.ref, difference.pointer, reason))
            else:
                changes.append(change)
    return tuple(changes), tuple(left)


def _whole_reason(
    entry: DriftEntry, live: Mapping[ObjectRef, Manifest], rendered: Mapping[ObjectRef, Manifest]
) -> str:
    if entry.kind in _NEVER:
        return _NEVER[entry.kind]
    if entry.ref.kind == "Secret" and not entry.ref.group:
        return "a Secret's values are never written to Git"
    if not entry.differences:
        return entry.message or "no field differs"
    if entry.ref not in live or entry.ref not in rendered:
        return "it changed meanwhile"
    return ""


def _change(
    ref: ObjectRef, difference: Difference, live: Manifest, git: Manifest, who: str
) -> AdoptableChange:
    address = address_of(live, difference.pointer)
    if difference.live is None and isinstance(address[-1], ListItem):
        # What is missing live has the index of the list as Git wants it.
        address = (*address[:-1], _item_named(difference.desired) or _item_at(git, address, difference))
    return AdoptableChange(ref, difference.pointer, address, difference.live, difference.desired, who)


def _item_named(value: Any) -> ListItem | None:
    name = value.get("name") if isinstance(value, dict) else None
    return ListItem(name=name) if isinstance(name, str) else None


def _item_at(git: Manifest, address: Address, difference: Difference) -> ListItem:
    last = address[-1]
    assert isinstance(last, ListItem)  # noqa: S101  the caller has looked
    path = resolve_address(address[:-1], git)
    items = value_at(git, path) if path is not None else None
    if isinstance(items, list) and difference.desired in items:
        return ListItem(index=items.index(difference.desired))
    return last


def address_of(live: Manifest, pointer: str) -> Address:
    """A JSON pointer as steps, with names of list items in place of indexes where all items have one."""
    steps: list[str | ListItem] = []
    value: Any = live
    for step in parse(pointer):
        if isinstance(value, list):
            index = int(step)
            names = [item.get("name") if isinstance(item, dict) else None for item in value]
            named = None not in names and len(set(map(str, names))) == len(names)
            here = value[index] if index < len(value) else None
            steps.append(ListItem(str(names[index])) if named and here is not None else ListItem(index=index))
            value = here
        else:
            steps.append(step)
            value = value.get(step) if isinstance(value, dict) else None
    return tuple(steps)


def resolve_address(address: Address, manifest: Any) -> YamlPath | None:
    """The path of an address in a manifest; None when there is none. Its end may be missing."""
    path: list[str | int] = []
    value = manifest
    for step in address:
        if isinstance(step, str):
            if value is not None and not isinstance(value, dict):
                return None
            path.append(step)
            value = value.get(step) if value is not None else None
            continue
        items = value if isinstance(value, list) else [] if value is None else None
        if items is None:
            return None
        index = step.index
        if step.name:
            names = [item.get("name") if isinstance(item, dict) else None for item in items]
            index = names.index(step.name) if step.name in names else len(items)
        if index > len(items):
            return None
        path.append(index)
        value = items[index] if index < len(items) else None
    return tuple(path)


def value_at(value: Any, path: YamlPath) -> Any:
    """The value at a path; None when there is none."""
    return read(value, build(path)) if path else value


def _reason(change: AdoptableChange, images: Collection[str]) -> str:
    """Why a field must not be adopted; empty: it may."""
    if change.pointer.startswith(
        ("/metadata/labels/towpath.dev~1", "/metadata/labels/applyset.kubernetes.io~1")
    ):
        return "it is Towpath's own"
    is_image = isinstance(key := change.address[-1], str) and is_image_key(key)
    values = (str(change.git), str(change.live))
    if is_image and any(same_repository(value, image) for value in values for image in images):
        return "the image of a release comes by a promotion only"
    if looks_secret(change):
        return "it looks like a credential, and those are never written to Git"
    return ""


def looks_secret(change: AdoptableChange) -> bool:
    """Whether `redact` masks the value, for its text or for its name."""
    last = change.address[-1]
    named = [step.name for step in change.address if isinstance(step, ListItem) and step.name][-1:]
    name = named[0] if last == "value" and named else str(last)
    return any(redact(f"{label}: {text}") != f"{label}: {text}" for label, text in _texts(name, change.live))


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """(name, text) of every leaf; an item with `name` and `value`, as of `env`, goes by its own name."""
    if isinstance(value, dict):
        own = value.get("name")
        for key, item in value.items():
            yield from _texts(own if key == "value" and isinstance(own, str) else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(name, item)
    elif value is not None:
        yield name, str(value)


def expected_renderings(manifest: Manifest, change: AdoptableChange) -> tuple[Manifest, ...]:
    """The possible renderings of the object with the change: with and without a parent that became empty."""
    result = copy.deepcopy(manifest)
    path = resolve_address(change.address, result)
    if path is None:
        return ()
    if change.live is not None:
        put_value(result, path, change.live)
        return (result,)
    if value_at(result, path) is None:
        return ()
    _drop(result, path)
    bare = copy.deepcopy(result)
    for end in range(len(path) - 1, 0, -1):
        if value_at(bare, path[:end]) not in ({}, []):
            break
        _drop(bare, path[:end])
    return (result,) if bare == result else (result, bare)


def _drop(data: Any, path: YamlPath) -> None:
    for step in path[:-1]:
        data = data[step]
    del data[path[-1]]
