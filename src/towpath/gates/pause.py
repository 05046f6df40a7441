"""Pauses: until when, and why, nothing is written to an environment, or for one of its apps. Kept in Git.

    # pauses/prod.yaml
    apiVersion: towpath.dev/v2
    pauses:
    - {until: '2026-11-21T18:00:00+00:00', reason: database migration, by: alice, at: …}
    - {app: hello, until: '2026-11-22T08:00:00+00:00', reason: looking for a leak, by: bob, at: …}

`towpath pause` adds entries, `towpath resume` removes them. A pause that has ended has no effect.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from towpath.config import parse_duration
from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import RecordForm, read_record, write_record
from towpath.formats.versions import PAUSES, VERSION_KEY, FileVersion
from towpath.release.commit_message import Trailers, format_message, intent_marker
from towpath.yamltext.config_reader import config_error

_ITEMS = "pauses"
_KEYS = {"app", "until", "reason", "by", "at"}


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. `app` is empty for the whole environment; `until` and `at` are RFC 3339 with a time zone."""

    app: str
    until: str
    reason: str
    by: str = ""
    at: str = ""

    def holds(self, app: str, now: datetime) -> bool:
        """Whether `app` is paused at `now`. An empty `app` stands for the whole environment."""
        return self.app in ("", app) and now < datetime.fromisoformat(self.until)

    def to_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in ("app", "until", "reason", "by", "at")}

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"paused until {self.until}{by}: {self.reason}"


FORM = RecordForm(
    PAUSES,
    {VERSION_KEY: {}, _ITEMS: {"*": key_tree(Pause)}},
    items=_ITEMS,
    head="# Who paused what, until when, and why: `towpath pause` and `towpath resume` write this file.\n",
)


def pause_path(environment: str) -> str:
    """The path of an environment's pauses in the environment repository."""
    return f"pauses/{environment}.yaml"


def load_pauses(root: Path, environment: str) -> tuple[Pause, ...]:
    """The pauses in a checkout, with those that have ended. Raises ConfigError with file and line."""
    path = pause_path(environment)
    text = read_text(root, path)
    return () if text is None else parse_pauses(text, path)


def active_pause(pauses: Iterable[Pause], app: str, now: datetime) -> Pause | None:
    """The pause of an app at `now`; of several the one that ends last."""
    holding = [pause for pause in pauses if pause.holds(app, now)]
    return max(holding, key=lambda pause: datetime.fromisoformat(pause.until), default=None)


def parse_pauses(text: str, file: str) -> tuple[Pause, ...]:
    """Parse the text of a file of pauses of any known version; `file` is its name in errors."""
    record = read_record(text, file, FORM)
    if record.data is None:
        return ()
    items = record.data.get(_ITEMS)
    if set(record.data) != {_ITEMS} or not isinstance(items, list):
        raise config_error([(1, f"must have the list `{_ITEMS}`, and nothing else")], file)
    problems = [
        (record.line((_ITEMS, index)), problem)
        for index, item in enumerate(items)
        if (problem := _problem(item)) is not None
    ]
    if problems:
        raise config_error(problems, file)
    return tuple(Pause(**{"app": "", **item}) for item in items)


def dump_pauses(pauses: Iterable[Pause], version: FileVersion) -> str | None:
    """The text of the file; None without pauses, which need no file."""
    items = [{key: value for key, value in pause.to_json().items() if value} for pause in pauses]
    return write_record({_ITEMS: items}, version, FORM) if items else None


def add_pause(pauses: Iterable[Pause], new: Pause, now: datetime) -> tuple[Pause, ...]:
    """The pauses with `new` in place of an earlier one for the same app, without those that have ended."""
    kept = remove_pause(pauses, new.app, now)
    return tuple(sorted([*kept, new], key=lambda pause: pause.app))


def remove_pause(pauses: Iterable[Pause], app: str, now: datetime) -> tuple[Pause, ...]:
    """The pauses without that of `app` (empty: of the environment) and without those that have ended."""
    return tuple(pause for pause in pauses if pause.app != app and pause.holds(pause.app, now))


def parse_until(text: str, now: datetime) -> str:
    """`2h`, `1d12h`, or a time (`2026-11-21T18:00`, local unless it has a zone) -> RFC 3339 in UTC.

    Raises ValueError with the problem.
    """
    try:
        end = now + parse_duration(text)
    except OverflowError:
        raise ValueError("is too far away") from None
    except ValueError:
        try:
            end = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError("must be a duration such as 2h, or a time such as 2026-11-21T18:00") from None
        end = end.astimezone() if end.tzinfo is None else end
    if end <= now:
        raise ValueError("must be in the future")
    return end.astimezone(UTC).isoformat(timespec="seconds")


def pause_message(environment: str, pause: Pause, key: str) -> str:
    """The message of the commit of a pause; `key` identifies the commit (see `pause_marker`)."""
    trailers: Trailers = [("Towpath-App", pause.app)] if pause.app else []
    trailers += [
        ("Towpath-Environment", environment),
        ("Towpath-Paused-Until", pause.until),
        ("Towpath-Paused-By", pause.by),
        pause_marker(environment, key),
    ]
    return format_message(f"Pause {_paused_name(environment, pause.app)}", pause.reason, trailers)


def resume_message(environment: str, app: str, by: str, key: str) -> str:
    """The message of the commit that ends a pause."""
    trailers: Trailers = [("Towpath-App", app)] if app else []
    trailers += [
        ("Towpath-Environment", environment),
        ("Towpath-Resumed-By", by),
        pause_marker(environment, key),
    ]
    return format_message(f"Resume {_paused_name(environment, app)}", "", trailers)


def pause_marker(environment: str, key: str) -> tuple[str, str]:
    """The trailer that identifies the commit when the reply to its push was lost."""
    return intent_marker("pause", "", environment, "", key)


def _paused_name(environment: str, app: str) -> str:
    return f"{app} in {environment}" if app else environment


def _problem(item: Any) -> str | None:
    if not isinstance(item, dict) or not {"until", "reason"} <= set(item) <= _KEYS:
        return "must have `until` and `reason`, and may have `app`, `by` and `at`"
    if not all(isinstance(value, str) and value for value in item.values()):
        return "every value must be a text"
    if not re.search(r"(Z|[+-]\d\d:?\d\d)$", item["until"]):
        return "`until` must be a time with its zone, for example 2026-11-21T18:00:00+00:00"
    try:
        datetime.fromisoformat(item["until"])
    except ValueError:
        return f"`until` is no time: {item['until']!r}"
    return None
