"""JSON that others wrote and somebody signed, read strictly; and the one form in which Towpath writes it."""

import json
from datetime import UTC, datetime
from typing import Any, NoReturn

from towpath.errors import MalformedEvidenceError

MAX_BYTES = 1024 * 1024
"""Of a statement, an envelope or a bundle, unless a caller says less."""


class _RejectedValueError(ValueError):
    """JSON that parsers read in different ways."""


def parse_object(content: bytes, what: str, *, largest: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in `content`; `what` names it in the error.

    Refuses what two parsers may read differently: a key that is there twice, NaN, other encodings than UTF-8.
    """
    if len(content) > largest:
        raise MalformedEvidenceError(
            f"{what} has {len(content)} bytes, more than the {largest} that are read",
            remedy="It was not made by Towpath. Sign the release or the decision again.",
        )
    try:
        text = content.decode()
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        json.dumps(data, ensure_ascii=False).encode()  # half of a surrogate pair has no UTF-8
    except _RejectedValueError as error:
        raise malformed(what, str(error)) from None
    except UnicodeDecodeError as error:
        raise malformed(what, f"is not UTF-8 (byte {error.start})") from None
    except UnicodeEncodeError:
        raise malformed(what, "has half of a surrogate pair in a text") from None
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        problem = f"{error.msg.removesuffix(' starting at')}, at character {error.pos}"
        raise malformed(what, f"is no JSON: {problem}{' (it is cut off)' if cut_off else ''}") from None
    except (ValueError, RecursionError):
        raise malformed(what, "is no JSON that can be read: too deep, or a number too long") from None
    if not isinstance(data, dict):
        raise malformed(what, "is no JSON object")
    return data


def canonical(data: Any) -> bytes:
    """The same bytes for the same data on every machine: UTF-8, sorted keys, no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def malformed(what: str, problem: str) -> MalformedEvidenceError:
    """The error for a text that cannot be read."""
    return MalformedEvidenceError(
        f"{what} {problem}",
        remedy="Nothing of it was used. It may have been changed: fetch it again, or have it signed anew.",
    )


def text_of(data: dict[str, Any], key: str, what: str, *, optional: bool = False) -> str:
    """The text at `key`. A missing one is an error, or empty when it is `optional`."""
    value = data.get(key, "" if optional else None)
    if not isinstance(value, str) or (not value and not optional):
        raise malformed(what, f"has no text as {key!r}")
    return value


def object_at(data: dict[str, Any], key: str, what: str) -> dict[str, Any]:
    """The object at `key`."""
    value = data.get(key)
    if not isinstance(value, dict):
        raise malformed(what, f"has no object as {key!r}")
    return value


def time_of(text: str, what: str) -> datetime:
    """A point in time written as RFC 3339 with its zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise malformed(what, f"has no valid time: {text[:40]!r}") from None
    if time.tzinfo is None:
        raise malformed(what, f"has a time without a zone: {text}")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise malformed(what, f"has no valid time: {text[:40]!r}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RejectedValueError(f"has the key {key[:60]!r} twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _RejectedValueError(f"has {name}, which is no JSON")
