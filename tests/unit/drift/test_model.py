import json

import pytest

from towpath.applyset.inventory import OwnedObject
from towpath.drift.comparison import compare_object
from towpath.drift.extras import extra_entry
from towpath.drift.model import DriftEntry, drift_report, explain_drift
from towpath.fields.managed_fields import FieldChange, fingerprint
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef
from towpath.redact import forget_secret, remember_secret

REF = ObjectRef("", "ConfigMap", "dev", "a")
FIELDS = {"f:data": {"f:a": {}}}


def entry(manager: str, fields: object, operation: str = "Update", time: str = "T1", **more: str):
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields, **more}


OURS = entry("towpath", FIELDS, "Apply")
EDIT = entry("kubectl-edit", {"f:data": {"f:b": {}}}, time="T2")


def live(*managed, uid: str = "u", **metadata):
    return {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "uid": uid, "managedFields": list(managed), **metadata},
    }


OWNED = OwnedObject(REF, "u", fingerprint({"managedFields": [OURS]}), "h")


@pytest.mark.parametrize(
    ("now", "kind", "managers"),
    [
        (live(OURS), None, []),
        (live(OURS, entry("operator", {"f:data": {"f:z": {}}})), None, []),
        (None, "deleted", []),
        (live(EDIT, uid="v"), "deleted", ["kubectl-edit"]),
        (live(OURS, deletionTimestamp="T"), "deleted", []),
        (live(OURS, EDIT), "modified", ["kubectl-edit"]),
        (live({**OURS, "time": "T9"}), "modified", []),
        (live(), "modified", []),
    ],
)
def test_compare(now, kind, managers) -> None:
    found = compare_object("hello", OWNED, now)
    assert (found.kind if found else None) == kind
    assert [m.manager for m in found.managers] == managers if found else True


def test_unconfirmed_is_unapplied_not_drift() -> None:
    found = compare_object("hello", OwnedObject(REF), live(OURS))
    assert found
    assert found.kind == "unapplied"


def test_the_owner_of_the_field_that_differs_is_named() -> None:
    thief = entry("some-operator", FIELDS, time="T3")
    now = {**live(entry("other", {"f:data": {"f:z": {}}}), thief), "data": {"a": "2", "z": "1"}}
    found = compare_object("hello", OWNED, now)
    assert found
    told = explain_drift(found, now, (Difference("/data/a", "2", "1"),))
    assert told
    assert [(m.manager, m.time, m.fields) for m in told.managers] == [("some-operator", "T3", (".data.a",))]


def test_report_is_sorted_and_tells_who_and_when() -> None:
    drifted = compare_object("hello", OWNED, live(OURS, EDIT))
    stray = extra_entry(ObjectRef("", "Role", "dev", "r"), live(EDIT))
    assert drifted
    told = drift_report("dev", "c", [stray, drifted])
    assert told == drift_report("dev", "c", [drifted, stray])
    assert told.summary() == "dev: 1 extra, 1 modified"
    assert told.apps("modified") == ("hello",)
    assert "| ConfigMap dev/a | hello | modified | kubectl-edit (Update) | T2 |" in told.to_markdown()
    assert json.loads(json.dumps(told.to_json()))["entries"][0]["managers"][0]["fields"] == [".data.b"]


def test_nothing_found() -> None:
    assert drift_report("dev", "c", []).to_markdown() == "dev: as in Git\n"


def test_each_field_has_its_own_culprit() -> None:
    one = entry("kubectl-edit", {"f:data": {"f:a": {}}}, time="T2")
    two = entry("operator", {"f:data": {"f:b": {}}}, time="T3")
    now = {**live(one, two), "data": {"a": "2", "b": "2"}}
    found = compare_object("hello", OWNED, now)
    assert found
    differences = (
        Difference("/data/a", "2", "1"),
        Difference("/data/b", "2", "1"),
        Difference("/data/c", None, "1"),
    )
    told = explain_drift(found, now, differences)
    assert told
    assert [(d.pointer, who and who.manager) for d, who in told.attributed] == [
        ("/data/a", "kubectl-edit"),
        ("/data/b", "operator"),
        ("/data/c", None),
    ]
    assert told.to_json()["differences"][0] == {
        "pointer": "/data/a",
        "live": "2",
        "desired": "1",
        "manager": "kubectl-edit",
        "operation": "Update",
        "time": "T2",
    }
    text = drift_report("dev", "c", [told]).to_markdown()
    assert '| `/data/a` | `"1"` | `"2"` | kubectl-edit (Update) | T2 |' in text
    assert '| `/data/c` | `"1"` |  | not recorded | not recorded |' in text


def test_a_value_cannot_leave_its_cell() -> None:
    one = entry("kubectl-edit", {"f:data": {"f:a": {}}}, time="T2")
    now = {**live(one), "data": {"a": "x"}}
    found = compare_object("hello", OWNED, now)
    assert found
    told = explain_drift(found, now, (Difference("/data/a", "`|`\n| evil", "1"),))
    assert told
    [row] = [line for line in drift_report("dev", "c", [told]).to_markdown().splitlines() if "evil" in line]
    assert row.count("|") - row.count("\\|") == 6
    assert row.count("`") == 6


def test_names_that_others_choose_are_no_markdown_and_still_redacted() -> None:
    remember_secret("hunter_2_hunter")
    found = FieldChange("T", "[seen](https://evil.example) **ok**", "Update", ())
    ref = ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "<img src=x>")
    odd = DriftEntry("hello", ref, "modified", (), (found,), "refused: hunter_2_hunter")
    text = drift_report("dev", "c", [odd]).to_markdown()
    forget_secret("hunter_2_hunter")
    assert "\\[seen\\](https://evil.example) \\*\\*ok\\*\\* (Update)" in text
    assert "\\<img src=x\\>" in text
    assert "hunter" not in text.replace("\\", "")
