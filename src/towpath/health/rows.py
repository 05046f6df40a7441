"""The language of the operator tables: one row defines how the status of a kind becomes a verdict.

A row is a list of clauses separated by `;`. The first clause that holds gives the verdict; when none holds,
the object is Progressing. A clause is a verdict (`Degraded!`: waiting cannot help) and tests joined by `&`:

    Ready  !Ready  ?Ready  ~Ready      condition is True, False, Unknown, present and not True; `*` in a name
                                       stands for anything: `!*` is any condition that is False
    !Ready(Pending|Queued)             and its reason or message is one of these; `(!Pending)`: none of these
    .status.phase  !.status.phase      present and not empty, zero, false or null; the opposite
    .status.phase=Running|Scaling*     is one of these, ignoring case; `!=`: is present and none of these
    .status.ready<.spec.replicas       numbers or fields compared by `<`, `>` and `==`
    .status.domains[].state=Failed     any item of a list or value of a mapping
    .metadata.labels[a.b/c]            a key with dots in it

Some rules come before every row: an object that is being deleted, or whose newest change its controller has
not seen yet, is Progressing (Suspended when that change stops the controller). A condition about an older
generation makes no object Healthy. Neither does a row when the generic rules find a failure that the row does
not test, or a setting that suspends the object on purpose.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from towpath.health.generic.judge import contradiction, reported_failure, suspension_reason
from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    explain,
    mapping_at,
    outdated,
    progressing,
    status_message,
    suspended,
)
from towpath.objects import Manifest

EXISTS = "Healthy"
"""The row of a kind on which no controller reports."""
READY = "Healthy Ready; Degraded !Ready"
"""The most common row."""

_CONDITION = re.compile(r"([!?~]?)([^\s()]+)(?:\((!?)([^)]*)\))?\Z")
_PATH = re.compile(r"(!?)(\.(?:[^=!<>\[]|\[[^\]]*\])+)(?:(==|!=|=|<|>)(.*))?\Z")
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_SIGNS = {"": ("true",), "!": ("false",), "?": ("unknown",), "~": ("false", "unknown")}
_STATE_FIELDS = ("phase", "state", "status", "currentState", "stage")
_EMPTY: tuple[Any, ...] = (None, False, "", [], {})


@dataclass(frozen=True, slots=True)
class _Match:
    """The result of a test that holds: its text for people, and the condition behind it."""

    text: str = ""
    condition: dict[str, Any] | None = None


_Test = Callable[[Manifest], _Match | None]


@dataclass(frozen=True, slots=True)
class _Clause:
    status: Status
    final: bool
    tests: tuple[_Test, ...]


@cache
def judge_of(row: str) -> Callable[[Manifest], Health]:
    """Compile a row into a judge; ValueError for a row that cannot be parsed.

    A failure that the row does not test outweighs a Healthy of the row, and its default Progressing.
    """
    clauses = [_clause(text.strip()) for text in row.split(";")]

    def judge(manifest: Manifest) -> Health:
        if waiting := outdated(manifest):
            # A suspended controller does not observe the change that suspended it.
            reason = suspension_reason(manifest)
            return suspended(reason) if reason else waiting
        for clause in clauses:
            if health := _apply(clause, manifest):
                return (contradiction(manifest) if health.status is Status.HEALTHY else None) or health
        return reported_failure(manifest) or progressing(_waiting_for(manifest))

    return judge


def _apply(clause: _Clause, manifest: Manifest) -> Health | None:
    matches = []
    for test in clause.tests:
        match = test(manifest)
        if match is None:
            return None
        matches.append(match)
    if clause.status is Status.HEALTHY:
        for match in matches:
            if match.condition and (waiting := outdated(manifest, match.condition)):
                return waiting
    texts = dict.fromkeys(match.text for match in matches if match.text)
    return Health(clause.status, "; ".join(texts) or _default(clause, manifest), clause.final)


def _default(clause: _Clause, manifest: Manifest) -> str:
    if clause.status is Status.HEALTHY:
        return "exists"
    return _waiting_for(manifest)


def _waiting_for(manifest: Manifest) -> str:
    status = mapping_at(manifest, "status")
    not_true = [
        explain(item)
        for item in conditions_by_type(manifest).values()
        if str(item.get("status")).lower() != "true"
    ]
    if not_true:
        return "; ".join(not_true[:3])
    if not status:
        return "its controller has not reported on it yet"
    words = [
        f"{key} {status[key]}" for key in _STATE_FIELDS if isinstance(status.get(key), str) and status[key]
    ]
    texts = [*words[:1], status_message(manifest)]
    return ": ".join(text for text in texts if text) or "its controller has not said that it is ready"


def _clause(text: str) -> _Clause:
    word, _, tests = text.partition(" ")
    final = word.endswith("!")
    return _Clause(
        Status(word.rstrip("!")), final, tuple(_test(test.strip()) for test in tests.split(" & ") if test)
    )


def _test(text: str) -> _Test:
    if text.startswith((".", "!.")):
        match = _PATH.match(text)
        if not match:
            raise ValueError(f"not a test of a field: {text}")
        return _path_test(*match.groups())
    match = _CONDITION.match(text)
    if not match:
        raise ValueError(f"not a test: {text}")
    return _condition_test(*match.groups())


def _condition_test(sign: str, name: str, unless: str | None, reasons: str | None) -> _Test:
    statuses = _SIGNS[sign]
    accepted = reasons.split("|") if reasons is not None else None

    def holds(condition: dict[str, Any]) -> bool:
        if str(condition.get("status")).lower() not in statuses:
            return False
        if accepted is None:
            return True
        is_accepted = condition.get("reason") in accepted or condition.get("message") in accepted
        return is_accepted is not bool(unless)

    def by_name(manifest: Manifest) -> _Match | None:
        condition = conditions_by_type(manifest).get(name)
        return _Match(explain(condition), condition) if condition and holds(condition) else None

    def by_pattern(manifest: Manifest) -> _Match | None:
        for kind, condition in conditions_by_type(manifest).items():
            if fnmatchcase(kind, name) and holds(condition):
                return _Match(f"{kind}: {explain(condition)}", condition)
        return None

    return by_pattern if "*" in name else by_name


def _path_test(absent: str, path: str, operator: str | None, right: str | None) -> _Test:
    steps = _steps(path)
    name = next(step for step in reversed(steps) if step)

    def is_there(manifest: Manifest) -> _Match | None:
        for value in _values(manifest, steps):
            if value not in _EMPTY:
                text = f"{name}: {value}" if isinstance(value, str) else ""
                return _Match(text)
        return None

    def is_absent(manifest: Manifest) -> _Match | None:
        return None if is_there(manifest) else _Match()

    if absent:
        return is_absent
    if operator is None or right is None:
        return is_there
    if operator in ("=", "!="):
        return _word_test(steps, name, right, negative=operator == "!=")
    return _compare_test(steps, operator, right)


def _word_test(steps: tuple[str, ...], name: str, words: str, *, negative: bool) -> _Test:
    patterns = [word.casefold() for word in words.split("|")]
    plain, globs = set(patterns), [word for word in patterns if "*" in word]

    def test(manifest: Manifest) -> _Match | None:
        for value in _values(manifest, steps):
            if value is None or isinstance(value, dict | list):
                continue
            word = str(value).casefold()
            if (word in plain or any(fnmatchcase(word, glob) for glob in globs)) is not negative:
                message = status_message(manifest)
                return _Match(f"{name} {value}: {message}" if message else f"{name} {value}")
        return None

    return test


def _compare_test(steps: tuple[str, ...], operator: str, right: str) -> _Test:
    other = _steps(right) if right.startswith(".") else ()
    constant = None if other else int(right)
    several = "" in steps

    def test(manifest: Manifest) -> _Match | None:
        limit = next(iter(_values(manifest, other)), None) if other else constant
        values = _values(manifest, steps)
        if operator == "==":
            return _Match() if limit is not None and limit in values else None
        if not several and not any(isinstance(value, int) for value in values):
            values = [0]
        if not isinstance(limit, int):
            return None
        for value in values:
            if isinstance(value, int) and (value < limit if operator == "<" else value > limit):
                return _Match(f"{steps[-1]} is {value}, {other[-1] if other else ''} {limit}".rstrip())
        return None

    return test


def _steps(path: str) -> tuple[str, ...]:
    """`.a.b[].c` -> a, b, "", c; an empty step stands for every item."""
    return tuple(match[1] or match[2] or "" for match in _STEP.finditer(path))


def _values(manifest: Manifest, steps: tuple[str, ...]) -> list[Any]:
    values: list[Any] = [manifest]
    for step in steps:
        next_values: list[Any] = []
        for value in values:
            if not step:
                if isinstance(value, dict):
                    next_values.extend(value.values())
                elif isinstance(value, list):
                    next_values.extend(value)
            elif isinstance(value, dict) and step in value:
                next_values.append(value[step])
        values = next_values
    return values
