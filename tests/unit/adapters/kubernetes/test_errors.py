import json
import time
from email.utils import formatdate

import pytest

from towpath.adapters.kubernetes.errors import (
    ApiAwayError,
    ApiConflictError,
    ApiRefusedError,
    FieldOwner,
    retry_after,
    translate,
    unreachable,
)
from towpath.errors import ConflictError, SyncError, TransientError


def answer(status: int, message: str = "why", headers=None, reason: str = "", **details: object):
    content = {"kind": "Status", "message": message, "reason": reason, "details": details}
    body = json.dumps(content).encode()
    return translate(status, headers or {}, body, what="apply ConfigMap a/b", server="https://k")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_overload_is_transient_with_the_servers_wish(status: int) -> None:
    error = answer(status, headers={"Retry-After": "7"})
    assert isinstance(error, TransientError)
    assert error.retry_after == 7


def test_wish_in_the_body_counts_too() -> None:
    error = answer(429, retryAfterSeconds=3)
    assert isinstance(error, TransientError)
    assert error.retry_after == 3


def test_wish_as_a_date_counts_by_the_servers_own_clock() -> None:
    headers = {"Retry-After": "Fri, 21 Nov 2025 10:00:09 GMT", "Date": "Fri, 21 Nov 2025 10:00:02 GMT"}
    assert retry_after(headers, {}) == 7
    assert retry_after({**headers, "Date": headers["Retry-After"]}, {}) == 0


def test_wish_as_a_date_without_the_servers_time_counts_by_ours() -> None:
    wish = retry_after({"Retry-After": formatdate(time.time() + 3600, usegmt=True)}, {})
    assert wish is not None
    assert 3500 < wish <= 3600
    assert retry_after({"Retry-After": formatdate(0, usegmt=True)}, {}) == 0


@pytest.mark.parametrize("value", ["soon", "", "nan", "inf", "Fri, 99 Nov 2025"])
def test_wish_that_nobody_can_read_is_none(value: str) -> None:
    assert retry_after({"Retry-After": value}, {}) is None


def test_a_server_that_is_away_is_told_from_one_object_that_must_wait() -> None:
    assert all(isinstance(answer(status), ApiAwayError) for status in (429, 502, 503))
    assert not any(isinstance(answer(status, "timed out"), ApiAwayError) for status in (500, 504))
    assert isinstance(unreachable("https://k", OSError("no route")), ApiAwayError)


def test_etcd_without_a_leader_passes() -> None:
    assert isinstance(answer(500, "etcdserver: leader changed"), TransientError)
    assert isinstance(answer(500, "panic"), ApiRefusedError)


def test_a_webhook_that_cannot_be_called_passes() -> None:
    words = 'Internal error occurred: failed calling webhook "a.b.c": connection refused'
    assert isinstance(answer(500, words, reason="InternalError"), TransientError)


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ("etcdserver: request is too large", False),
        (
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2500596 vs."
            " 2097152)",
            False,
        ),
        ("rpc error: code = ResourceExhausted desc = etcdserver: too many requests", True),
        ("rpc error: code = Unavailable desc = error reading from server: EOF", True),
        ("etcdserver: request timed out", True),
        ("etcdserver: too many requests", True),
    ],
)
def test_what_the_storage_never_takes_does_not_pass(message: str, *, passes: bool) -> None:
    assert isinstance(answer(500, message), TransientError) is passes


@pytest.mark.parametrize(
    "name", ["etcdserver", "leader changed", "timed out", "connection refused", "rpc error: "]
)
def test_what_people_call_their_objects_and_fields_decides_nothing(name: str) -> None:
    words = (
        f"failed to create typed patch object (/{name}; apps/v1, Kind=A): .spec.{name}: field not declared"
    )
    assert isinstance(answer(500, words), ApiRefusedError)


CAUSE = {"reason": "FieldValueInvalid", "message": "Invalid value: field is immutable", "field": "spec.a"}


@pytest.mark.parametrize(
    ("status", "reason", "causes", "expected"),
    [
        (422, "Invalid", [CAUSE], True),
        (422, "Invalid", [CAUSE, {**CAUSE, "field": "<nil>"}], True),
        (422, "Invalid", [{"message": "denied request: field is immutable"}], False),
        (422, "Invalid", [CAUSE, {"message": "may not change once set"}], False),
        (422, "Invalid", [], False),
        (422, "", [CAUSE], False),
        (403, "Forbidden", [CAUSE], False),
        (400, "BadRequest", [CAUSE], False),
        (409, "Invalid", [CAUSE], False),
    ],
)
def test_only_the_objects_own_validation_names_invalid_fields(status, reason, causes, expected) -> None:
    error = answer(status, "cannot be changed, is immutable", reason=reason, causes=causes)
    assert getattr(error, "invalid_fields", False) is expected


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_refusals_name_the_object_and_the_servers_reason(status: int) -> None:
    error = answer(status, "the reason")
    assert isinstance(error, SyncError)
    assert str(error) == "apply ConfigMap a/b: the reason"


def test_conflict_names_the_manager_and_the_field() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl" with subresource "scale" using apps/v1',
        "field": ".spec.replicas",
    }
    error = answer(409, causes=[cause])
    assert isinstance(error, ApiConflictError)
    assert error.owners == (FieldOwner("kubectl", ".spec.replicas"),)
    assert ".spec.replicas (kubectl)" in error.message


def test_changed_meanwhile_has_no_owner() -> None:
    error = answer(409, "the object has been modified")
    assert isinstance(error, ConflictError)
    assert error.owners == ()


def test_body_that_is_no_json() -> None:
    error = translate(400, {}, b"<html>", what="x", server="https://k")
    assert "<html>" in error.message
