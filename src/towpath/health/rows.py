"""The small language of the operator tables: one row says how a kind's status is to be read.

A row is clauses between `;`, and the first one that holds gives the verdict; when none does, it is
Progressing. A clause is a verdict (`Degraded!`: and waiting cannot help) and tests joined by `&`:

    Ready  !Ready  ?Ready  ~Ready      condition is True, False, Unknown, there and not True; `*` in a name
                                       stands for anything: `!*` is any condition that is False
    !Ready(Pending|Queued)             and its reason or message is one of these; `(!Pending)`: none of these
    .status.phase  !.status.phase      there and not empty, zero, false or null; the opposite
    .status.phase=Running|Scaling*     is one of these, whatever the case; `!=`: is there and none of these
    .status.ready<.spec.replicas       numbers or fields compared by `<`, `>` and `==`
    .status.domains[].state=Failed     any item of a list or value of a mapping
    .metadata.labels[a.b/c]            a key with dots in it

What holds for every row comes before it: an object that is being deleted or that its controller has not seen
since the newest change is Progressing (Suspended when that change stops the controller), and no condition
about an older generation makes an object Healthy. Nor does a row when the generic rules see bad news that
it does not ask about, or what stops the object on purpose.
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
"""The row of a kind that no controller reports on."""
READY = "Healthy Ready; Degraded !Ready"
"""The commonest row."""

_CONDITION = re.compile(r"([!?~]?)([^\s()]+)(?:\((!?)([^)]*)\))?\Z")
_PATH = re.compile(r"(!?)(\.(?:[^=!<>\[]|\[[^\]]*\])+)(?:(==|!=|=|<|>)(.*))?\Z")
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_SIGNS = {"": ("true",), "!": ("false",), "?": ("unknown",), "~": ("false", "unknown")}
_WORDS = ("phase", "state", "status", "currentState", "stage")
_EMPTY: tuple[Any, ...] = (None, False, "", [], {})


@dataclass(frozen=True, slots=True)
class _Match:
    """That a test holds, in words, and the condition that says so."""

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
    """The judge that a row describes; ValueError for a row that makes no sense.

    Bad news that the row does not ask about outweighs its good news, and its silence.
    """
    clauses = [_clause(text.strip()) for text in row.split(";")]

    def judge(manifest: Manifest) -> Health:
        if waiting := outdated(manifest):
            # A controller that is told to stop does not look at the change that says so.
            held = suspension_reason(manifest)
            return suspended(held) if held else waiting
        for clause in clauses:
            if health := _apply(clause, manifest):
                return (contradiction(manifest) if health.status is Status.HEALTHY else None) or health
        return reported_failure(manifest) or progressing(_waiting_for(manifest))

    return judge


def _apply(clause: _Clause, manifest: Manifest) -> Health | None:
    found = []
    for test in clause.tests:
        match = test(manifest)
        if match is None:
            return None
        found.append(match)
    if clause.status is Status.HEALTHY:
        for match in found:
            if match.condition and (waiting := outdated(manifest, match.condition)):
                return waiting
    texts = dict.fromkeys(match.text for match in found if match.text)
    return Health(clause.status, "; ".join(texts) or _default(clause, manifest), clause.final)


def _default(clause: _Clause, manifest: Manifest) -> str:
    if clause.status is Status.HEALTHY:
        return "exists"
    return _waiting_for(manifest)


def _waiting_for(manifest: Manifest) -> str:
    status = mapping_at(manifest, "status")
    bad = [
        explain(item)
        for item in conditions_by_type(manifest).values()
        if str(item.get("status")).lower() != "true"
    ]
    if bad:
        return "; ".join(bad[:3])
    if not status:
        return "its controller has not reported on it yet"
    words = [f"{key} {status[key]}" for key in _WORDS if isinstance(status.get(key), str) and status[key]]
    said = [*words[:1], status_message(manifest)]
    return ": ".join(text for text in said if text) or "its controller has not said that it is ready"


def _clause(text: str) -> _Clause:
    word, _, tests = text.partition(" ")
    final = word.endswith("!")
    return _Clause(
        Status(word.rstrip("!")), final, tuple(_test(test.strip()) for test in tests.split(" & ") if test)
    )


def _test(text: str) -> _Test:
    if text.startswith((".", "!.")):
        found = _PATH.match(text)
        if not found:
            raise ValueError(f"not a test of a field: {text}")
        return _path_test(*found.groups())
    found = _CONDITION.match(text)
    if not found:
        raise ValueError(f"not a test: {text}")
    return _condition_test(*found.groups())


def _condition_test(sign: str, name: str, unless: str | None, reasons: str | None) -> _Test:
    wanted = _SIGNS[sign]
    among = reasons.split("|") if reasons is not None else None

    def holds(condition: dict[str, Any]) -> bool:
        if str(condition.get("status")).lower() not in wanted:
            return False
        if among is None:
            return True
        said = condition.get("reason") in among or condition.get("message") in among
        return said is not bool(unless)

    def one(manifest: Manifest) -> _Match | None:
        condition = conditions_by_type(manifest).get(name)
        return _Match(explain(condition), condition) if condition and holds(condition) else None

    def any_of(manifest: Manifest) -> _Match | None:
        for kind, condition in conditions_by_type(manifest).items():
            if fnmatchcase(kind, name) and holds(condition):
                return _Match(f"{kind}: {explain(condition)}", condition)
        return None

    return any_of if "*" in name else one


def _path_test(absent: str, left: str, operator: str | None, right: str | None) -> _Test:
    steps = _steps(left)
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
                more = status_message(manifest)
                return _Match(f"{name} {value}: {more}" if more else f"{name} {value}")
        return None

    return test


def _compare_test(steps: tuple[str, ...], operator: str, right: str) -> _Test:
    other = _steps(right) if right.startswith(".") else ()
    constant = None if other else int(right)
    each = "" in steps

    def test(manifest: Manifest) -> _Match | None:
        against = next(iter(_values(manifest, other)), None) if other else constant
        values = _values(manifest, steps)
        if operator == "==":
            return _Match() if against is not None and against in values else None
        if not each and not any(isinstance(value, int) for value in values):
            values = [0]
        if not isinstance(against, int):
            return None
        for value in values:
            if isinstance(value, int) and (value < against if operator == "<" else value > against):
                return _Match(f"{steps[-1]} is {value}, {other[-1] if other else ''} {against}".rstrip())
        return None

    return test


def _steps(path: str) -> tuple[str, ...]:
    """`.a.b[].c` -> a, b, "", c; an empty step stands for every item."""
    return tuple(match[1] or match[2] or "" for match in _STEP.finditer(path))


def _values(manifest: Manifest, steps: tuple[str, ...]) -> list[Any]:
    here: list[Any] = [manifest]
    for step in steps:
        after: list[Any] = []
        for value in here:
            if not step:
                if isinstance(value, dict):
                    after.extend(value.values())
                elif isinstance(value, list):
                    after.extend(value)
            elif isinstance(value, dict) and step in value:
                after.append(value[step])
        here = after
    return here
