"""How an environment treats undeclared objects: the modes of `extras`, by kind and by patterns of names."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from towpath.config.keys.fields import ExtrasMode

CAREFUL_FIRST: tuple[ExtrasMode, ...] = ("ignore", "report", "prune")


def extras_mode(extras: Mapping[str, ExtrasMode], group: str, kind: str, name: str) -> ExtrasMode:
    """The mode for one object: that of its name, else of its kind; of several patterns the most careful."""
    named = {mode for pattern, mode in _patterns(extras, group, kind) if fnmatchcase(name, pattern)}
    for mode in CAREFUL_FIRST:
        if mode in named:
            return mode
    return next((extras[key] for key in _keys(group, kind) if key in extras), "report")


def any_extras_searched(extras: Mapping[str, ExtrasMode], group: str, kind: str) -> bool:
    """Whether any undeclared object of the kind is reported or pruned."""
    return any(mode != "ignore" for mode in _modes(extras, group, kind))


def any_extras_pruned(extras: Mapping[str, ExtrasMode], group: str, kind: str) -> bool:
    """Whether any undeclared object of the kind is pruned."""
    return "prune" in _modes(extras, group, kind)


def _modes(extras: Mapping[str, ExtrasMode], group: str, kind: str) -> list[ExtrasMode]:
    """All modes that an object of the kind may have, by its name."""
    return [*(mode for _, mode in _patterns(extras, group, kind)), extras_mode(extras, group, kind, "")]


def kinds_with_group(extras: Mapping[str, ExtrasMode]) -> tuple[tuple[str, str], ...]:
    """(group, kind) of the keys that have a group."""
    named = (key.partition("/")[0].partition(".") for key in extras)
    return tuple(dict.fromkeys((group, kind) for kind, _, group in named if group))


def _keys(group: str, kind: str) -> tuple[str, ...]:
    return f"{kind}.{group}", kind, "*"


def _patterns(extras: Mapping[str, ExtrasMode], group: str, kind: str) -> Iterator[tuple[str, ExtrasMode]]:
    """(pattern of names, mode) of the keys for the kind that have one."""
    for key, mode in extras.items():
        of_kind, _, pattern = key.partition("/")
        if pattern and of_kind in _keys(group, kind):
            yield pattern, mode
