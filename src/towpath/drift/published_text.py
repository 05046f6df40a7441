"""What an agent publishes, as a text: written redacted and byte-stable, read strictly."""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

from towpath.drift.decision import Action, Decision
from towpath.drift.model import DriftEntry, DriftKind
from towpath.drift.published import STATE_TYPE, PublishedApp, PublishedState
from towpath.errors import OtherSubjectError
from towpath.evidence.json_text import malformed, object_at, parse_object, text_of, time_of
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef
from towpath.redact import redact

MAX_TEXT = 1000
"""Characters of one value or message."""
_WHAT = "a published state"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?)?")
_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{32,64})?")
_MODES = ("heal", "report", "adopt", "off")


def encode_state(state: PublishedState, largest: int) -> bytes:
    """The text; MalformedEvidenceError when it has more than `largest` bytes."""
    data: dict[str, Any] = {
        "_type": STATE_TYPE,
        "environment": state.environment,
        "at": state.at,
        "commit": state.commit,
        "apps": {app: _app_to_json(each) for app, each in state.apps.items()},
        "undeclared": [_entry_to_json(each) for each in state.extras],
        "held": _cut(redact(state.held)),
        "left_out": state.left_out,
    }
    content = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    if len(content) > largest:
        raise malformed(_WHAT, f"of {len(state.apps)} apps has {len(content)} bytes, more than {largest}")
    return content


def decode_state(content: bytes, environment: str, largest: int) -> PublishedState:
    """Read the text; MalformedEvidenceError for any other, OtherSubjectError for another environment's.

    Keys that are not known are left out: a later agent may say more.
    """
    data = parse_object(content, _WHAT, largest=largest)
    if (kind := text_of(data, "_type", _WHAT)) != STATE_TYPE:
        raise malformed(_WHAT, f"is of type {kind[:80]!r}, not {STATE_TYPE!r}")
    if (whose := text_of(data, "environment", _WHAT)) != environment:
        raise OtherSubjectError(
            f"what was published is about environment {whose[:60]!r}, not {environment!r}",
            remedy="Somebody has copied it to another ref. The agent publishes it anew.",
        )
    at = text_of(data, "at", _WHAT)
    time_of(at, _WHAT)
    apps = object_at(data, "apps", _WHAT)
    if odd := next((app for app in apps if not _NAME.fullmatch(app)), None):
        raise malformed(_WHAT, f"has {odd[:60]!r} as an app, which is no name")
    left_out = data.get("left_out", 0)
    if not isinstance(left_out, int):
        raise malformed(_WHAT, "has no number as 'left_out'")
    return PublishedState(
        environment=environment,
        at=at,
        commit=_matching(data, "commit", _COMMIT),
        apps={app: _app_of(app, _object(each)) for app, each in apps.items()},
        extras=tuple(_entry_of("", each) for each in _list(data, "undeclared")),
        held=text_of(data, "held", _WHAT, optional=True),
        left_out=left_out,
    )


def _app_to_json(app: PublishedApp) -> dict[str, Any]:
    decision = app.decision
    texts = {
        "health": app.health,
        "broken": _cut(redact(app.broken)),
        "mode": decision.mode,
        "action": decision.action,
        "reason": _cut(redact(decision.reason)),
    }
    return {
        "commit": app.commit,
        "manifests": app.manifests,
        "live": app.live,
        "at": app.at,
        **texts,
        "elsewhere": [{"object": ref.to_json(), "commit": commit} for ref, commit in app.elsewhere],
        "drift": [_entry_to_json(each) for each in app.entries],
    }


def _app_of(app: str, data: Mapping[str, Any]) -> PublishedApp:
    found = dict(data)
    entries = tuple(_entry_of(app, each) for each in _list(found, "drift"))
    mode, action = (text_of(found, key, _WHAT, optional=True) for key in ("mode", "action"))
    if mode not in _MODES or action not in get_args(Action):
        raise malformed(
            _WHAT, f"has an app whose mode or action is not known: {mode[:40]!r}, {action[:40]!r}"
        )
    reason = text_of(found, "reason", _WHAT, optional=True)
    return PublishedApp(
        commit=_matching(found, "commit", _COMMIT),
        manifests=_matching(found, "manifests", _DIGEST),
        live=_matching(found, "live", _DIGEST),
        health=text_of(found, "health", _WHAT, optional=True),
        at=text_of(found, "at", _WHAT, optional=True),
        broken=text_of(found, "broken", _WHAT, optional=True),
        elsewhere=tuple(
            (_ref_of(object_at(each, "object", _WHAT)), _matching(each, "commit", _COMMIT))
            for each in _list(found, "elsewhere")
        ),
        decision=Decision(app, action, entries, reason, mode),  # type: ignore[arg-type]
        entries=entries,
    )


def _entry_to_json(entry: DriftEntry) -> dict[str, Any]:
    """As the drift report has it, with values that are too long cut."""
    data = entry.to_json()
    del data["app"]
    differences = [
        {**each, "live": _short(each["live"]), "desired": _short(each["desired"])}
        for each in data["differences"]
    ]
    message = _cut(redact(entry.message))
    return {**data, "differences": differences, "message": message, "left_to": entry.left_to}


def _entry_of(app: str, data: Mapping[str, Any]) -> DriftEntry:
    found = dict(data)
    kind = text_of(found, "kind", _WHAT)
    if kind not in get_args(DriftKind):
        raise malformed(_WHAT, f"has drift of an unknown kind {kind[:40]!r}")
    listed, managers = _list(found, "differences"), tuple(map(_change_of, _list(found, "managers")))
    known = {(each.manager, each.operation, each.time): each for each in managers}
    blamed = (_change_of(each) if each.get("manager") else None for each in listed)
    return DriftEntry(
        app=app,
        ref=_ref_of(object_at(found, "object", _WHAT)),
        kind=kind,  # type: ignore[arg-type]
        differences=tuple(
            Difference(text_of(each, "pointer", _WHAT, optional=True), each.get("live"), each.get("desired"))
            for each in listed
        ),
        managers=managers,
        message=text_of(found, "message", _WHAT, optional=True),
        blame=tuple(each and known.get((each.manager, each.operation, each.time), each) for each in blamed),
        left_to=text_of(found, "left_to", _WHAT, optional=True),
    )


def _change_of(data: dict[str, Any]) -> FieldChange:
    time, manager, operation = (
        text_of(data, key, _WHAT, optional=True) for key in ("time", "manager", "operation")
    )
    fields = data.get("fields", [])
    if not isinstance(fields, list):
        raise malformed(_WHAT, "has fields that are no list")
    return FieldChange(time, manager, operation, tuple(map(str, fields)))


def _ref_of(data: dict[str, Any]) -> ObjectRef:
    group, namespace = (text_of(data, key, _WHAT, optional=True) for key in ("group", "namespace"))
    return ObjectRef(group, text_of(data, "kind", _WHAT), namespace, text_of(data, "name", _WHAT))


def _list(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise malformed(_WHAT, f"has no list as {key!r}")
    return [dict(_object(each)) for each in value]


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise malformed(_WHAT, "has a text or number where an object belongs")
    return data


def _matching(data: dict[str, Any], key: str, form: re.Pattern[str]) -> str:
    value = text_of(data, key, _WHAT, optional=True)
    if not form.fullmatch(value):
        raise malformed(_WHAT, f"has {value[:80]!r} as {key!r}")
    return value


def _short(value: Any) -> Any:
    """The value, or the beginning of its text: it is for people, and decides nothing."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return value if len(text) <= MAX_TEXT else _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"
