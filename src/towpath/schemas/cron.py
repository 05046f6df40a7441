"""Whether an API server takes a schedule of a CronJob: five fields, a descriptor, or `@every` and a time."""

import re

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = re.compile(r"@every [+-]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)


def schedule_problem(text: str) -> str:
    """What is wrong with it, as `has no minute 61`; empty: nothing."""
    if "TZ" in text:
        return "must not name a time zone; that is `timeZone`"
    if text.startswith("@"):
        is_known = text in _DESCRIPTORS or _EVERY.match(text)
        return "" if is_known else f"must be one of {', '.join(_DESCRIPTORS)}, or `@every` and a time"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"must have five fields, and has {len(fields)}"
    for field, (name, first, last, names) in zip(fields, _FIELDS, strict=True):
        for part in filter(None, field.split(",")):
            if not _is_range(part, first, last, names):
                return f"has a {name} that is none: {part[:40]!r}"
    return ""


def _is_range(text: str, first: int, last: int, names: tuple[str, ...]) -> bool:
    span, *steps = text.split("/")
    ends = span.split("-")
    if len(steps) > 1 or len(ends) > 2 or (steps and not _is_number(steps[0], 1, 10**9)):
        return False
    if ends[0] in ("*", "?"):
        return True
    numbers = [_number(each, first, names) for each in ends]
    return all(first <= each <= last for each in numbers) and numbers[0] <= numbers[-1]


def _number(text: str, first: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + first
    return int(text) if _is_number(text, 0, 10**9) else -1


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdecimal() and least <= int(text[:10]) <= most
