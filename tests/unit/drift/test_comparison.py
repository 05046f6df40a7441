"""How one object, and all of an app, differ from Git; beside tests/unit/engine/watch/test_comparison.py."""

import pytest

from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.wanted_object import WantedObject
from towpath.drift.comparison import app_drift, object_drift
from towpath.fields.managed_fields import fingerprint
from towpath.objects import ObjectRef

OWNER = Owner("hello", "dev", "dev")
REF = ObjectRef("", "ConfigMap", "dev", "a")
OURS = {"manager": "towpath", "operation": "Apply", "time": "T1", "fieldsV1": {"f:data": {"f:a": {}}}}
EDIT = {"manager": "kubectl-edit", "operation": "Update", "time": "T2", "fieldsV1": {"f:data": {"f:b": {}}}}
OWNED = OwnedObject(REF, "u", fingerprint({"managedFields": [OURS]}), "h")


def live(*managed, **metadata):
    labels = {PART_OF_LABEL: OWNER.applyset}
    return {"metadata": {"name": "a", "uid": "u", "labels": labels, "managedFields": [*managed], **metadata}}


@pytest.mark.parametrize(
    ("wanted", "owned", "now", "message"),
    [
        ("h", None, None, "no sync has recorded it yet"),
        ("new", OWNED, live(OURS), "Git has changed since the last sync"),
        (
            "new",
            OWNED,
            live(OURS, EDIT),
            "Git has changed since the last sync; it was modified by hand, too",
        ),
        ("new", OWNED, None, "Git has changed since the last sync; it was deleted by hand, too"),
        ("h", OwnedObject(REF), live(OURS), "its apply was never confirmed"),
        (None, OWNED, live(OURS), "no longer in Git, not deleted yet"),
    ],
)
def test_what_no_sync_has_carried_out_says_why(wanted, owned, now, message) -> None:
    found = object_drift(OWNER, REF, WantedObject(wanted) if wanted else None, owned, now)
    assert found
    assert (found.kind, found.message, found.desired_digest) == ("unapplied", message, wanted or "")


def test_what_git_wanted_is_named_with_the_drift() -> None:
    found = object_drift(OWNER, REF, WantedObject("h"), OWNED, live(OURS, EDIT))
    assert found
    assert (found.kind, found.desired_digest, [m.manager for m in found.managers]) == (
        "modified",
        "h",
        ["kubectl-edit"],
    )


@pytest.mark.parametrize(("applied", "kind"), [(True, "waiting"), (False, "unapplied")])
def test_a_deletion_waits_only_while_git_is_what_was_synced(applied: bool, kind: str) -> None:
    inventory = Inventory(OWNER, "c", "d", (OWNED,), deletions=(REF,))
    [found] = app_drift(OWNER, {}, inventory, {REF: live(OURS)}, applied=applied)
    assert found.kind == kind
