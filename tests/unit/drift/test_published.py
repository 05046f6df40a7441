"""What is published of an environment: written and read again, without secrets, within its limits."""

import json
from dataclasses import replace
from typing import Any

import pytest

from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry
from towpath.drift.published import MAX_ENTRIES, PublishedApp, PublishedState, live_mark, state_ref
from towpath.drift.published_text import MAX_TEXT, decode_state, encode_state
from towpath.errors import MalformedEvidenceError, OtherSubjectError
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import Manifest, ObjectRef
from towpath.redact import forget_secret, remember_secret

LARGEST = 1024 * 1024
REF = ObjectRef("apps", "Deployment", "prod", "hello")
WHO = FieldChange("2026-01-01T00:00:00Z", "kubectl-edit", "Update", (".spec.replicas",))
EDIT = DriftEntry("hello", REF, "modified", (Difference("/spec/replicas", 3, 1),), (WHO,), "edited", (WHO,))
APP = PublishedApp(
    commit="a" * 40,
    manifests="sha256:" + "b" * 64,
    health="Healthy",
    live="sha256:" + "c" * 32,
    at="2026-01-01T00:00:00+00:00",
    elsewhere=((REF, "d" * 40),),
    decision=Decision("hello", "report", (EDIT,), "drift is allowed here", "report"),
    entries=(EDIT,),
)
STATE = PublishedState("prod", "2026-01-01T00:00:10+00:00", "e" * 40, {"hello": APP}, held="")


def test_what_is_written_is_read_again() -> None:
    extra = DriftEntry("", REF, "extra", managers=(WHO,), message="nobody declared it")
    state = replace(STATE, extras=(extra,), held="the branch was rewritten", left_out=3)
    content = encode_state(state, LARGEST)
    assert decode_state(content, "prod", LARGEST) == state
    assert encode_state(decode_state(content, "prod", LARGEST), LARGEST) == content


def test_the_report_is_that_of_a_reconcile() -> None:
    report = decode_state(encode_state(STATE, LARGEST), "prod", LARGEST).report
    assert report.summary() == "prod: 1 modified"
    assert report.entries == (EDIT,)
    assert STATE.report_of(["other"]).entries == ()


def test_values_of_secrets_and_credentials_are_not_in_it() -> None:
    remember_secret("hunter2-hunter2")
    try:
        found = (
            Difference("/spec/a", "hunter2-hunter2", "x"),
            Difference("/spec/password", "short", "other", secret=True),
        )
        entry = replace(EDIT, differences=found, message="was hunter2-hunter2")
        app = replace(APP, entries=(entry,), broken="cannot read hunter2-hunter2")
        text = encode_state(replace(STATE, apps={"hello": app}, held="hunter2-hunter2"), LARGEST).decode()
    finally:
        forget_secret("hunter2-hunter2")
    assert [value for value in ("hunter2", "short", '"other"') if value in text] == []
    assert '"***"' in text


def test_long_values_are_cut() -> None:
    entry = replace(EDIT, differences=(Difference("/data/a", "x" * 5000, {"list": ["y" * 5000]}),))
    app = replace(APP, entries=(entry,))
    text = encode_state(replace(STATE, apps={"hello": app}), LARGEST)
    assert len(text) < 5000
    (read,) = decode_state(text, "prod", LARGEST).report.entries
    assert str(read.differences[0].live).startswith("x" * (MAX_TEXT - 10)) or "characters" in str(
        read.differences[0].live
    )


def test_another_environments_state_is_refused() -> None:
    with pytest.raises(OtherSubjectError, match="about environment 'prod', not 'dev'"):
        decode_state(encode_state(STATE, LARGEST), "dev", LARGEST)


def _with(path: str, value: Any) -> bytes:
    data = json.loads(encode_state(STATE, LARGEST))
    *parents, last = path.split(".", 1) if "/" in path else path.split(".")
    at = data
    for step in parents:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = value
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("_type", "https://towpath.dev/state/v9"),
        ("at", "yesterday"),
        ("at", None),
        ("commit", "main"),
        ("apps", []),
        ("apps.hello", "text"),
        ("apps.../../x", {}),
        ("apps.hello.commit", "../x"),
        ("apps.hello.manifests", "md5:abc"),
        ("apps.hello.action", "destroy"),
        ("apps.hello.mode", "wild"),
        ("apps.hello.drift", {}),
        ("apps.hello.drift.0.kind", "gone"),
        ("apps.hello.drift.0.object", "Deployment hello"),
        ("apps.hello.drift.0.managers", ["kubectl"]),
        ("apps.hello.elsewhere", [{"commit": "x"}]),
        ("undeclared", "none"),
        ("left_out", "many"),
    ],
)
def test_what_no_agent_writes_is_refused(path: str, value: Any) -> None:
    with pytest.raises(MalformedEvidenceError):
        decode_state(_with(path, value), "prod", LARGEST)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1, "a": 2}', b"\xff", b"{" * 100_000])
def test_what_is_no_such_text_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        decode_state(content, "prod", LARGEST)


def test_a_later_agent_may_say_more() -> None:
    assert decode_state(_with("apps.hello.more", {"a": 1}), "prod", LARGEST) == STATE


def test_too_much_is_not_written() -> None:
    with pytest.raises(MalformedEvidenceError, match="more than 100"):
        encode_state(STATE, 100)


def test_entries_beyond_the_limit_are_counted_and_every_app_keeps_some() -> None:
    many = tuple(replace(EDIT, ref=REF._replace(name=f"n{number}")) for number in range(MAX_ENTRIES))
    apps = {"big": replace(APP, entries=many), "small": replace(APP, entries=many[:3])}
    limited = replace(STATE, apps=apps, extras=many[:10]).within_limits()
    kept = sum(len(each.entries) for each in limited.apps.values()) + len(limited.extras)
    assert kept <= MAX_ENTRIES
    assert kept + limited.left_out == MAX_ENTRIES + 13
    assert len(limited.apps["small"].entries) == 3
    assert STATE.within_limits() == STATE


def test_times_and_the_commit_alone_are_no_news() -> None:
    later = replace(STATE, at="2026-02-01T00:00:00+00:00", commit="f" * 40)
    later = replace(later, apps={"hello": replace(APP, at="2026-02-01T00:00:00+00:00")})
    assert later.content == STATE.content
    for news in (replace(APP, health="Degraded"), replace(APP, commit="f" * 40), replace(APP, entries=())):
        assert replace(STATE, apps={"hello": news}).content != STATE.content


def _live(manager: str, time: str, subresource: str = "", **metadata: str) -> Manifest:
    entry = {"manager": manager, "operation": "Update", "time": time, "subresource": subresource}
    fields = {"fieldsV1": {"f:data": {"f:password": {}, 'v:"hunter2"': {}}}}
    return {"metadata": {"uid": "1", **metadata, "managedFields": [{**entry, **fields}]}}


def test_the_mark_of_live_objects_changes_with_writes_and_not_with_their_status() -> None:
    mark = live_mark([(REF, _live("kubectl", "1"))])
    assert mark == live_mark([(REF, _live("kubectl", "1", resourceVersion="99"))])
    for other in (_live("kubectl", "2"), _live("towpath", "1"), _live("kubectl", "1", uid="2"), None):
        assert live_mark([(REF, other)]) != mark
    status = live_mark([(REF, _live("kube-controller-manager", "1", "status"))])
    assert status == live_mark([(REF, _live("kube-controller-manager", "2", "status"))])


def test_the_ref_is_the_environments_own() -> None:
    assert state_ref("prod-eu") == "refs/towpath/prod-eu/state"
