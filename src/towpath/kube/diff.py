"""The differences between two manifests, field by field. Secret values are masked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from towpath.fields import pointer
from towpath.fields.canonical import without_server_fields
from towpath.objects import Manifest
from towpath.redact import MASK, mask_secret, redact, redact_data
from towpath.redact.patterns import is_credential_name

MAX_VALUE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One field by JSON pointer, into the live object if it has the field. A value of None: absent.

    `secret`: the field has the name of a credential, so that its texts are not shown, however short.
    """

    pointer: str
    live: Any
    desired: Any
    secret: bool = False

    @property
    def shown_live(self) -> Any:
        """The live value as others may see it."""
        return self._shown(self.live)

    @property
    def shown_desired(self) -> Any:
        """The desired value as others may see it."""
        return self._shown(self.desired)

    def to_json(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "live": self.shown_live, "desired": self.shown_desired}

    def lines(self) -> Iterator[str]:
        """Lines of a diff: the live value with `-`, the desired value with `+`."""
        if self.live is not None:
            yield f"- {self.pointer}: {format_value(self.shown_live)}"
        if self.desired is not None:
            yield f"+ {self.pointer}: {format_value(self.shown_desired)}"

    def _shown(self, value: Any) -> Any:
        return MASK if self.secret and isinstance(value, str) and value else redact_data(value)


def format_value(value: Any) -> str:
    """The value as one line of redacted JSON, cut at MAX_VALUE_LENGTH characters."""
    text = redact(json.dumps(redact_data(value), sort_keys=True, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}… ({len(text)} characters)"


def differences(live: Manifest, desired: Manifest) -> tuple[Difference, ...]:
    """The fields that differ, by pointer, without `status` and metadata that the API server sets."""
    live, desired = without_server_fields(live), without_server_fields(desired)
    masked_live, masked_desired = mask_secret(live), mask_secret(desired)
    is_secret = masked_live is not live
    result = []
    for at_live, at_desired, old, new in _walk(live, desired, "", ""):
        pair = (old, new)
        if is_secret:
            pair = (pointer.read(masked_live, at_live), pointer.read(masked_desired, at_desired))
        secret = not is_secret and (_is_credential(live, at_live) or _is_credential(desired, at_desired))
        result.append(Difference(at_live, *pair, secret))
    return tuple(sorted(result, key=lambda difference: difference.pointer))


def declared_differences(live: Manifest, declared: Manifest) -> tuple[Difference, ...]:
    """Fields that `declared` names and that are otherwise in `live`: without what the API server defaults.

    For an object whose apply is refused, so that no dry run tells what it would be.
    """
    masked_live, masked = mask_secret(live), mask_secret(declared)
    return tuple(
        Difference(
            at_live,
            pointer.read(masked_live, at_live),
            pointer.read(masked, at_declared),
            masked is declared and _is_credential(declared, at_declared),
        )
        for at_live, at_declared, _, new in _walk(live, declared, "", "", declared=True)
        if new is not None and not at_live.startswith("/status")
    )


def field_difference(live: Manifest, declared: Manifest, at_live: str, at_declared: str) -> Difference:
    """The two values of one field as a whole, also where they are lists or maps."""
    masked_live, masked = mask_secret(live), mask_secret(declared)
    secret = masked is declared and (_is_credential(live, at_live) or _is_credential(declared, at_declared))
    return Difference(at_live, pointer.read(masked_live, at_live), pointer.read(masked, at_declared), secret)


def removed_field(live: Manifest, at: str) -> Difference:
    """The difference of a field that Git does not have: an apply removes it or sets its default."""
    masked = mask_secret(live)
    return Difference(at, pointer.read(masked, at), None, masked is live and _is_credential(live, at))


def _is_credential(manifest: Manifest, at: str) -> bool:
    """Whether the field has a credential's name, or is the value of a variable that has one."""
    *parents, last = pointer.parse(at) or ("",)
    if last != "value":
        return is_credential_name(last)
    name = pointer.read(manifest, pointer.build((*parents, "name")))
    return isinstance(name, str) and is_credential_name(name)


def _walk(
    old: Any, new: Any, at_old: str, at_new: str, *, declared: bool = False
) -> Iterator[tuple[str, str, Any, Any]]:
    """(pointer in `old`, pointer in `new`, old value, new value); a missing field has the other pointer.

    With `declared`, fields of mappings that only `old` has are no difference.
    """
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(new.keys() if declared else old.keys() | new.keys()):
            step = pointer.build((key,))
            yield from _walk(old.get(key), new.get(key), at_old + step, at_new + step, declared=declared)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _walk_lists(old, new, at_old, at_new, declared=declared)
    else:
        yield at_old, at_new, old, new


def _walk_lists(
    old: list[Any], new: list[Any], at_old: str, at_new: str, *, declared: bool
) -> Iterator[tuple[str, str, Any, Any]]:
    old_names, new_names = item_names(old), item_names(new)
    if old_names is None or new_names is None:
        old_names, new_names = list(range(len(old))), list(range(len(new)))
    for name in dict.fromkeys([*old_names, *new_names]):
        i = old_names.index(name) if name in old_names else None
        j = new_names.index(name) if name in new_names else None
        # An item of only one list has the index of that list.
        yield from _walk(
            None if i is None else old[i],
            None if j is None else new[j],
            f"{at_old}/{j if i is None else i}",
            f"{at_new}/{i if j is None else j}",
            declared=declared,
        )


def item_names(items: list[Any]) -> list[Any] | None:
    """The names of the items; None when an item has no name or two have the same.

    Lists with names are compared by name, others by index.
    """
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return names if None not in names and len(set(map(str, names))) == len(names) else None
