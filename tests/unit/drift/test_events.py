"""Events name who and what, and never a value."""

import json

from towpath.drift.events import (
    MAX_OBJECTS,
    branch_rewritten,
    drift_detected,
    drift_healed,
    heal_exhausted,
    render_failed,
    sync_ended,
)
from towpath.drift.model import DriftEntry
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

REF = ObjectRef("apps", "Deployment", "prod", "hello")
EDIT = FieldChange("2026-01-01T00:00:00Z", "kubectl-edit", "Update", ("/spec/replicas",))
ENTRY = DriftEntry("hello", REF, "modified", (Difference("/spec/replicas", 1, "canary-value"),), (EDIT,))


def test_an_app_an_environment_and_objects_are_resources() -> None:
    event = drift_detected("prod", "hello", [ENTRY], "sync")
    assert event.name == "towpath.drift.detected"
    assert event.resource["prefect.resource.id"] == "towpath.app.prod.hello"
    assert [(each["prefect.resource.role"], each["prefect.resource.id"]) for each in event.related] == [
        ("environment", "towpath.environment.prod"),
        ("object", "towpath.object.apps.Deployment.prod.hello"),
    ]
    assert event.payload["objects"] == [
        {
            "object": "Deployment prod/hello",
            "kind": "modified",
            "fields": ["/spec/replicas"],
            "managers": ["kubectl-edit (Update, 2026-01-01T00:00:00Z)"],
        }
    ]


def test_no_value_is_in_an_event() -> None:
    events = [drift_detected("prod", "hello", [ENTRY], "sync"), drift_healed("prod", "hello", [ENTRY], 0.5)]
    assert "canary" not in json.dumps([[each.payload, each.related, each.resource] for each in events])
    failure = "refused: password=canary-value-1234"
    events = [sync_ended("prod", "hello", [], 1.0, failure), render_failed("prod", "hello", failure)]
    assert "canary" not in json.dumps([each.payload for each in [*events, branch_rewritten("prod", failure)]])


def test_extras_are_about_the_environment() -> None:
    event = drift_detected("prod", "", [DriftEntry("", REF, "extra")], "report")
    assert (event.name, event.resource["prefect.resource.id"]) == (
        "towpath.extras.detected",
        "towpath.environment.prod",
    )


def test_thousands_of_objects_fit_into_one_event() -> None:
    entries = [DriftEntry("hello", ObjectRef("", "Secret", "prod", f"s{n}"), "deleted") for n in range(2000)]
    event = drift_detected("prod", "hello", entries, "sync")
    assert event.payload["count"] == 2000
    assert len(event.related) == MAX_OBJECTS + 1


def test_a_sync_succeeds_or_fails_by_name() -> None:
    assert sync_ended("prod", "hello", [REF], 1.0).name == "towpath.sync.succeeded"
    failed = sync_ended("prod", "hello", [REF], 1.0, "x" * 10_000)
    assert failed.name == "towpath.sync.failed"
    assert len(failed.payload["message"]) == 2_000


def test_an_exhausted_field_is_named() -> None:
    event = heal_exhausted("prod", "hello", REF, "/spec/replicas", 3)
    assert event.payload == {"field": "/spec/replicas", "times": 3, "object": "Deployment prod/hello"}
