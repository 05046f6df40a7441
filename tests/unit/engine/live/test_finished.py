"""What ended well and was deleted by its time to live is done; nothing else that is gone is."""

from dataclasses import replace
from typing import Any, cast

import pytest

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.apply_object import prepare_objects
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import from_configmap, to_configmap
from towpath.drift.comparison import compare_object
from towpath.engine.live.finished import deletes_itself, is_complete, remember_finished, with_finished
from towpath.engine.verify.rollout_status import rollout_status
from towpath.health import Status
from towpath.objects import Manifest, ObjectRef, ref_of

OWNER = Owner("hello", "test", "ns")


def made(version: str, kind: str, spec: dict[str, Any], status: dict[str, Any] | None = None) -> Manifest:
    metadata = {"name": "once", "namespace": "ns", "uid": "u1", "generation": 1}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "status": status or {}}


def job(*conditions: str, ttl: int | None = 0) -> Manifest:
    spec = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    return made(
        "batch/v1", "Job", spec, {"conditions": [{"type": each, "status": "True"} for each in conditions]}
    )


class Server:
    """An API server that has one inventory, some objects and some events."""

    def __init__(self, inventory: Inventory, *live: Manifest, events: tuple[Manifest, ...] = ()) -> None:
        self.stored = to_configmap(inventory, "1")
        self.live = {ref_of(each): each for each in live}
        self.told = events
        self.writes = 0

    def get(self, ref: ObjectRef, *, metadata_only: bool = False) -> Manifest | None:
        return self.stored if ref == OWNER.ref else self.live.get(ref)

    def events(self, ref: ObjectRef, *, uid: str | None = None) -> list[Manifest]:
        return [each for each in self.told if each["involvedObject"]["uid"] == uid]

    def replace(self, manifest: Manifest) -> Manifest:
        self.stored, self.writes = manifest, self.writes + 1
        return manifest

    @property
    def inventory(self) -> Inventory:
        return from_configmap(self.stored)

    @property
    def cluster(self) -> Cluster:
        return cast("Cluster", self)


def owned(manifest: Manifest, **changed: Any) -> OwnedObject:
    digest = prepare_objects([manifest], OWNER)[0].applied_digest
    return replace(OwnedObject(ref_of(manifest), "u1", "f", digest), **changed)


def inventory(*objects: OwnedObject) -> Inventory:
    return Inventory(OWNER, "c", "d", objects)


def event(reason: str, uid: str = "u1", component: str = "job-controller") -> Manifest:
    return {"reason": reason, "involvedObject": {"uid": uid}, "source": {"component": component}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"ttlSecondsAfterFinished": 0}, True),
        ({"ttlSecondsAfterFinished": 86400}, True),
        ({"ttlStrategy": {"secondsAfterSuccess": 5}}, True),  # Argo Workflows
        ({"runPolicy": {"ttlSecondsAfterFinished": 60}}, True),  # Kubeflow
        ({"timeToLiveSeconds": 3600}, True),  # Spark
        ({}, False),
        ({"ttlSecondsAfterFinished": None}, False),
        ({"ttlStrategy": {}}, False),
        ({"template": {"spec": {"ttlSecondsAfterFinished": 5}}}, False),
    ],
)
def test_a_time_to_live_is_told_by_its_field(spec: dict[str, Any], expected: bool) -> None:
    assert deletes_itself(made("x.io/v1", "Run", spec)) is expected


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (job("Complete"), True),
        (job("SuccessCriteriaMet"), False),
        (job("Failed"), False),
        (job(), False),
        (made("argoproj.io/v1alpha1", "Workflow", {}, {"phase": "Succeeded", "finishedAt": "t"}), True),
        (made("argoproj.io/v1alpha1", "Workflow", {}, {"phase": "Failed", "finishedAt": "t"}), False),
        (made("argoproj.io/v1alpha1", "Workflow", {}, {"phase": "Running"}), False),
    ],
)
def test_complete_is_what_ended_well(live: Manifest, expected: bool) -> None:
    assert is_complete(live) is expected


def test_a_complete_job_is_remembered_once_and_is_no_drift_when_it_is_gone() -> None:
    server = Server(inventory(owned(job())), job("Complete"))
    remember_finished(server.cluster, OWNER, [job()])
    remember_finished(server.cluster, OWNER, [job()])
    assert server.writes == 1
    known = server.inventory.by_ref[ref_of(job())]
    assert known.finished
    wanted = prepare_objects([job()], OWNER)[0]
    assert compare_object("hello", known, None) is None
    assert wanted.is_settled(known, None)
    changed = prepare_objects([job(ttl=9)], OWNER)[0]
    assert not changed.is_settled(known, None), "other content runs again"


def test_one_that_is_being_deleted_is_done_and_another_by_its_name_is_not() -> None:
    known = owned(job(), finished=True)
    leaving = job("Complete")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert compare_object("hello", known, leaving) is None
    leaving["metadata"]["uid"] = "u2"
    assert compare_object("hello", known, leaving) is not None


@pytest.mark.parametrize(
    ("events", "finished"),
    [
        ((event("Completed"),), True),
        ((event("Completed", uid="u0"),), False),
        ((event("Completed", component="somebody"),), False),
        ((event("BackoffLimitExceeded"),), False),
        ((), False),
    ],
)
def test_a_job_that_nobody_saw_is_judged_by_its_controllers_event(
    events: tuple[Manifest, ...],
    finished: bool,
) -> None:
    server = Server(inventory(owned(job())), events=events)
    found = with_finished(server.cluster, server.inventory, [job()], ())
    assert found.by_ref[ref_of(job())].finished is finished
    assert server.writes == 0


@pytest.mark.parametrize("live", [job("Failed"), job(), job("Complete", ttl=None)])
def test_failed_running_and_lasting_jobs_are_not_remembered(live: Manifest) -> None:
    server = Server(inventory(owned(live)), live)
    remember_finished(server.cluster, OWNER, [live])
    assert server.writes == 0


def test_a_finished_object_is_healthy_and_others_that_are_gone_are_missing() -> None:
    done = rollout_status((job(),), {}, (), finished={ref_of(job())})
    assert [each.health.status for each in done.verdicts] == [Status.HEALTHY]
    gone = rollout_status((job(),), {}, ())
    assert [each.health.status for each in gone.verdicts] == [Status.MISSING]


def test_large_and_small_inventories_keep_it_and_say_nothing_where_nothing_finished() -> None:
    uid, digest = "12345678-1234-1234-1234-123456789012", "a" * 32
    many = tuple(
        OwnedObject(ObjectRef("", "ConfigMap", "ns", f"c{i:05}"), uid, digest, digest, finished=i == 7)
        for i in range(3000)
    )
    for objects in (many, many[:10]):
        assert from_configmap(to_configmap(inventory(*objects))).objects == objects
    assert "finished" not in to_configmap(inventory(many[0]))["data"]["inventory"]
