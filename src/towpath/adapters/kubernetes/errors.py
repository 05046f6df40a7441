"""What the API server answers when it does not do as asked, in our own errors.

no answer, 429, 502, 503                       ApiAwayError: it is so for every request
504, 500 of etcd or of a webhook               TransientError, with the server's Retry-After
409                                            ApiConflictError: who owns which field
everything else                                ApiRefusedError: the object and the server's own reason
"""

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from towpath.errors import ConflictError, SyncError, TowpathError, TransientError
from towpath.redact import redact

RETRIED = (429, 502, 503, 504)
_STORAGE = ("etcdserver: ", "rpc error: ", "context deadline exceeded")
_TOO_LARGE = (
    "etcdserver: request is too large",
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max",
)
"""Of the same storage, about the object itself: such an object is never taken."""
_CONFLICT_WITH = re.compile(
    r'conflict with "(?P<manager>[^"]*)"(?: with subresource "(?P<subresource>[^"]*)")?'
)


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """One field that another manager owns with another value. `field` reads like `.spec.replicas`."""

    manager: str
    field: str


class ApiAwayError(TransientError):
    """The server answers nobody, or asks everybody to wait: the next request would fare no better."""


class TooDeepError(TransientError):
    """The answer has an object that is nested too deeply to be read."""


class ApiConflictError(ConflictError):
    """409: another manager owns fields (`owners`), or the object changed since it was read (no owners)."""

    def __init__(
        self, message: str, *, owners: tuple[FieldOwner, ...] = (), remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.owners = owners


class ApiRefusedError(SyncError):
    """The API server refused one request for good. `status` is the HTTP status, `reason` its own words.

    `fields` are those it names, as in `spec.template`. `invalid_fields` says that the object's own validation
    refused it: status 422, reason Invalid, and each cause names a field. Admission policies name none.
    """

    def __init__(
        self,
        what: str,
        *,
        status: int,
        reason: str,
        fields: tuple[str, ...] = (),
        invalid_fields: bool = False,
    ) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.status = status
        self.reason = reason
        self.fields = fields
        self.invalid_fields = invalid_fields


def translate(
    status: int, headers: Mapping[str, str], body: bytes, *, what: str, server: str
) -> TowpathError:
    """The error for an answer of `status` >= 400 to what was asked (`apply ConfigMap a/b`)."""
    answer = _status_object(body)
    reason = redact(str(answer.get("message") or body[:500].decode(errors="replace") or f"HTTP {status}"))
    if status in RETRIED or (status == 500 and _is_passing(answer)):
        kind = TransientError if status in (500, 504) else ApiAwayError
        return kind(f"{what}: {server} answers {status}: {reason}", retry_after=retry_after(headers, answer))
    if status == 409:
        owners = _owners(answer)
        if owners:
            fields = ", ".join(f"{owner.field} ({owner.manager})" for owner in owners)
            return ApiConflictError(
                f"{what}: owned by another field manager: {fields}",
                owners=owners,
                remedy="Take the field out of Git, add an ignore rule, make the other let go of it, or"
                " declare that Towpath takes over from it (`takeOver`).",
            )
        return ApiConflictError(f"{what}: {reason}")
    if status == 401:
        return ApiRefusedError(
            what,
            status=status,
            reason=f"{server} does not know these credentials ({reason}); renew the kubeconfig",
        )
    return ApiRefusedError(
        what,
        status=status,
        reason=_with_causes(reason, answer),
        fields=_cause_fields(answer),
        invalid_fields=status == 422 and _names_invalid_fields(answer),
    )


def unreachable(server: str, error: Exception) -> ApiAwayError:
    """No answer at all."""
    why = redact(_root(error))
    return ApiAwayError(
        f"the API server {server} cannot be reached: {why}",
        remedy="Check that the cluster runs and that KUBECONFIG and the context name the right one "
        "(local stack: `towpath local status`).",
    )


def silent(server: str, what: str, seconds: float) -> ApiAwayError:
    """It took the request, and said nothing: whether it was carried out is not known."""
    return ApiAwayError(
        f"{what}: the API server {server} has not answered within {seconds:.1f} s",
        remedy="Try again: whatever it did meanwhile is found and taken into account.",
    )


def retry_after(headers: Mapping[str, str], answer: Mapping[str, Any]) -> float | None:
    """Seconds, by the header (a number or a date) or by the Status object; None when neither tells."""
    wishes = (
        _seconds(headers.get("Retry-After")),
        _seconds_until(headers.get("Retry-After"), headers.get("Date")),
        _seconds((answer.get("details") or {}).get("retryAfterSeconds")),
    )
    return next((wish for wish in wishes if wish is not None), None)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str | None, now: str | None) -> float | None:
    """By the server's own clock where it tells its time: ours may be wrong."""
    if date is None:
        return None
    try:
        begin = parsedate_to_datetime(now).timestamp() if now else time.time()
        return max(0.0, parsedate_to_datetime(date).timestamp() - begin)
    except ValueError:
        return None


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _owners(answer: Mapping[str, Any]) -> tuple[FieldOwner, ...]:
    causes = (answer.get("details") or {}).get("causes") or ()
    return tuple(
        FieldOwner(manager=found["manager"], field=str(cause.get("field", "")))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
        and (found := _CONFLICT_WITH.search(str(cause.get("message", ""))))
    )


def _cause_fields(answer: Mapping[str, Any]) -> tuple[str, ...]:
    causes = (answer.get("details") or {}).get("causes") or ()
    return tuple(dict.fromkeys(str(cause["field"]) for cause in causes if cause.get("field")))


def _with_causes(reason: str, answer: Mapping[str, Any]) -> str:
    missing = [field for field in _cause_fields(answer) if field not in reason]
    return f"{reason} (fields: {', '.join(missing)})" if missing else reason


def _names_invalid_fields(answer: Mapping[str, Any]) -> bool:
    causes = (answer.get("details") or {}).get("causes") or ()
    return answer.get("reason") == "Invalid" and bool(causes) and all(cause.get("field") for cause in causes)


def _is_passing(answer: Mapping[str, Any]) -> bool:
    """500s that go away: a webhook that cannot be called (reason InternalError), etcd changing its leader.

    An error of etcd has no reason; its message begins with etcd's own words, before any name of an object.
    """
    if answer.get("reason") == "InternalError":
        return True
    message = str(answer.get("message"))
    return not answer.get("reason") and message.startswith(_STORAGE) and not message.startswith(_TOO_LARGE)


def _root(error: Exception) -> str:
    """The innermost reason: `[Errno 111] Connection refused`, not urllib3's wrapping of it."""
    inner: BaseException = error
    while True:
        following = getattr(inner, "reason", None) or inner.__cause__
        if not isinstance(following, BaseException) or following is inner:
            return str(inner).rpartition(": ")[2] or type(inner).__name__
        inner = following
