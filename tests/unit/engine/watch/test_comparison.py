"""A watch and a reconcile say the same of every situation: one table, and any mixture of such objects."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.apply_object import prepare_objects
from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.config import IgnoreRule
from towpath.drift.model import DriftEntry
from towpath.engine.live.observe import Live, NamespaceState
from towpath.engine.reconcile.detect import _all_deleted, _by_metadata
from towpath.engine.source.render import Rendered, digest_of
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.surroundings import Surroundings
from towpath.engine.watch.wanted import Wanted
from towpath.kube.autoscaling import scale_targets
from towpath.objects import Manifest, ObjectRef, group_of

OWNER = Owner("hello", "dev", "dev")
KIND = Collection("", "ConfigMap", "dev", metadata_only=True)
RULES = [IgnoreRule(kind="ConfigMap", manager="filler"), IgnoreRule(kind="ConfigMap", pointer="/data/free")]
GIT = ("absent", "same", "changed")
RECORDED = ("absent", "unconfirmed", "applied", "left", "finished", "without-fingerprint")
PRESENT = ("absent", "there", "another", "deleting", "kept", "not-ours")
MANAGED = {
    "as-applied": [],
    "status": [("controller", "Update", {"f:status": {"f:x": {}}}, {"subresource": "status"})],
    "scaled": [("controller", "Update", {"f:spec": {"f:replicas": {}}}, {"subresource": "scale"})],
    "controller-adds": [("operator", "Update", {"f:data": {"f:z": {}}}, {})],
    "controller-takes": [("operator", "Update", {"f:data": {"f:a": {}}}, {})],
    "controller-takes-all": [("operator", "Update", {"f:data": {".": {}, "f:a": {}, "f:b": {}}}, {})],
    "controller-takes-and-adds": [("operator", "Update", {"f:data": {"f:a": {}, "f:z": {}}}, {})],
    "controller-takes-person-adds": [
        ("operator", "Update", {"f:data": {"f:a": {}}}, {}),
        ("kubectl-edit", "Update", {"f:data": {"f:new": {}}}, {}),
    ],
    "two-take": [
        ("operator", "Update", {"f:data": {"f:a": {}}}, {}),
        ("autoscaler", "Apply", {"f:data": {"f:b": {}}}, {}),
    ],
    "takes-one-drops-one": [("operator", "Update", {"f:data": {"f:a": {}}}, {})],
    "nobody-has": [("operator", "Update", {"f:data": {"f:z": {}}}, {})],
    "scale-takes": [("operator", "Update", {"f:data": {"f:a": {}}}, {"subresource": "scale"})],
    "person-scale-takes": [("kubectl", "Update", {"f:data": {"f:a": {}}}, {"subresource": "scale"})],
    "status-takes": [("operator", "Update", {"f:data": {"f:a": {}}}, {"subresource": "status"})],
    "unknown-takes": [("before-first-apply", "Update", {"f:data": {"f:a": {}}}, {})],
    "ignored-takes": [("filler", "Update", {"f:data": {".": {}, "f:a": {}}}, {})],
    "ignored-takes-and-adds": [("filler", "Update", {"f:data": {"f:a": {}, "f:z": {}}}, {})],
    "ignored-adds": [("filler", "Update", {"f:data": {"f:z": {}}}, {})],
    "ignored-takes-all": [("filler", "Update", {"f:data": {"f:a": {}, "f:b": {}}}, {})],
    "both-take": [
        ("filler", "Update", {"f:data": {"f:a": {}}}, {}),
        ("operator", "Update", {"f:data": {"f:b": {}}}, {}),
    ],
    "person-takes": [("kubectl-edit", "Update", {"f:data": {"f:a": {}}}, {})],
    "person-adds": [("kubectl-edit", "Update", {"f:data": {"f:new": {}}}, {})],
    "person-adds-ignored": [("kubectl-edit", "Update", {"f:data": {"f:free": {}}}, {})],
    "person-applies": [("kubectl", "Apply", {"f:data": {"f:new": {}}}, {})],
    "moved": [],
    "wiped": [],
}


DROPPED = {"nobody-has": {"f:a"}, "takes-one-drops-one": {"f:b"}}
"""Fields that a controller took and gave up: nobody owns them now."""


@dataclass(frozen=True)
class Situation:
    """One object: what Git, the inventory and the cluster have of it."""

    git: str = "same"
    recorded: str = "applied"
    present: str = "there"
    managed: str = "as-applied"
    waits: bool = False
    namespace: str = "present"


TABLE: dict[str, tuple[Situation, str]] = {
    "as in Git": (Situation(), ""),
    "new in Git": (Situation(recorded="absent", present="absent"), "unapplied"),
    "in Git, and somebody made it": (Situation(recorded="absent"), "unapplied"),
    "written ahead only": (Situation(recorded="unconfirmed", present="absent"), "unapplied"),
    "changed in Git": (Situation(git="changed"), "unapplied"),
    "changed in Git and by hand": (Situation(git="changed", managed="person-adds"), "unapplied"),
    "changed in Git and deleted": (Situation(git="changed", present="absent"), "unapplied"),
    "deleted": (Situation(present="absent"), "drifted"),
    "being deleted": (Situation(present="deleting"), "drifted"),
    "another by its name": (Situation(present="another"), "drifted"),
    "finished and gone": (Situation(recorded="finished", present="absent"), ""),
    "finished and being deleted": (Situation(recorded="finished", present="deleting"), ""),
    "finished, and other content now": (
        Situation(git="changed", recorded="finished", present="absent"),
        "unapplied",
    ),
    "no fingerprint known": (Situation(recorded="without-fingerprint"), "drifted"),
    "a status": (Situation(managed="status"), ""),
    "scaled by somebody": (Situation(managed="scaled"), ""),
    "a controller's own field": (Situation(managed="controller-adds"), ""),
    "a field taken by a controller": (Situation(managed="controller-takes"), ""),
    "all fields taken by a controller": (Situation(managed="controller-takes-all"), ""),
    "fields taken by two controllers": (Situation(managed="two-take"), ""),
    "taken and added by a controller": (Situation(managed="controller-takes-and-adds"), ""),
    "a field that one controller took and gave up": (Situation(managed="nobody-has"), "drifted"),
    "one field taken, another given up": (Situation(managed="takes-one-drops-one"), "drifted"),
    "taken by a controller, changed in Git": (
        Situation(git="changed", managed="controller-takes"),
        "unapplied",
    ),
    "taken by a controller, being deleted": (
        Situation(present="deleting", managed="controller-takes"),
        "drifted",
    ),
    "taken by a controller, another by its name": (
        Situation(present="another", managed="controller-takes"),
        "drifted",
    ),
    "taken by a controller, and edited": (Situation(managed="controller-takes-person-adds"), "drifted"),
    "taken by the scale subresource": (Situation(managed="scale-takes"), ""),
    "taken by a person's scaling": (Situation(managed="person-scale-takes"), "drifted"),
    "taken by a status": (Situation(managed="status-takes"), "drifted"),
    "taken by nobody known": (Situation(managed="unknown-takes"), "drifted"),
    "left to a controller at the last apply": (
        Situation(recorded="left", managed="controller-takes"),
        "",
    ),
    "left at the last apply, given up since": (Situation(recorded="left", managed="nobody-has"), "drifted"),
    "left at the last apply, another field since": (
        Situation(recorded="left", managed="controller-takes-all"),
        "",
    ),
    "left at the last apply, edited since": (
        Situation(recorded="left", managed="controller-takes-person-adds"),
        "drifted",
    ),
    "a field taken by an ignored controller": (Situation(managed="ignored-takes"), ""),
    "taken and added by an ignored controller": (Situation(managed="ignored-takes-and-adds"), ""),
    "added by an ignored controller": (Situation(managed="ignored-adds"), ""),
    "all of its data taken by an ignored controller": (Situation(managed="ignored-takes-all"), ""),
    "an ignored controller and another": (Situation(managed="both-take"), ""),
    "edited by a person": (Situation(managed="person-takes"), "drifted"),
    "added by a person": (Situation(managed="person-adds"), "drifted"),
    "an ignored field of a person": (Situation(managed="person-adds-ignored"), ""),
    "applied by a person": (Situation(managed="person-applies"), "drifted"),
    "applied by Towpath's name": (Situation(managed="moved"), "drifted"),
    "managed fields were wiped": (Situation(managed="wiped"), "drifted"),
    "left Git": (Situation(git="absent"), "unapplied"),
    "left Git, edited": (Situation(git="absent", managed="person-adds"), "unapplied"),
    "left Git, waits": (Situation(git="absent", waits=True), ""),
    "left Git, waits, edited": (Situation(git="absent", waits=True, managed="person-adds"), ""),
    "left Git, waits, being deleted": (Situation(git="absent", waits=True, present="deleting"), ""),
    "left Git, gone": (Situation(git="absent", present="absent"), ""),
    "left Git, another by its name": (Situation(git="absent", present="another"), ""),
    "left Git, kept": (Situation(git="absent", present="kept"), ""),
    "left Git, kept, edited": (Situation(git="absent", present="kept", managed="person-takes"), ""),
    "left Git, not ours any more": (Situation(git="absent", present="not-ours"), ""),
    "left Git, unconfirmed, gone": (Situation("absent", "unconfirmed", "absent"), ""),
    "in a namespace that is missing": (Situation(present="absent", namespace="missing"), "drifted"),
    "new in Git, no namespace": (
        Situation(recorded="absent", present="absent", namespace="missing"),
        "drifted",
    ),
    "changed in Git, no namespace": (
        Situation(git="changed", present="absent", namespace="missing"),
        "drifted",
    ),
    "written ahead only, no namespace": (
        Situation(recorded="unconfirmed", present="absent", namespace="missing"),
        "drifted",
    ),
    "finished and gone, no namespace": (
        Situation(recorded="finished", present="absent", namespace="missing"),
        "drifted",
    ),
    "left Git, no namespace": (Situation(git="absent", present="absent", namespace="missing"), ""),
    "left Git, waits, no namespace": (
        Situation(git="absent", present="absent", waits=True, namespace="missing"),
        "",
    ),
    "there still, its namespace goes": (Situation(namespace="terminating"), "drifted"),
    "being deleted with its namespace": (
        Situation(present="deleting", namespace="terminating"),
        "drifted",
    ),
    "left Git, kept, its namespace goes": (
        Situation(git="absent", present="kept", namespace="terminating"),
        "",
    ),
    "taken by a controller, its namespace goes": (
        Situation(managed="controller-takes", namespace="terminating"),
        "drifted",
    ),
    "nothing at all": (Situation("absent", "absent", "absent"), ""),
    "nobody's": (Situation("absent", "absent", "there"), ""),
}


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "dev", name)


def manifest(name: str, value: str = "1") -> Manifest:
    metadata = {"name": name, "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value, "b": "1"}}


def metadata_of(name: str, case: Situation, *, before: bool = False) -> dict[str, Any]:
    """Live metadata, `before` anybody but Towpath wrote to the object."""
    managed = [] if before else MANAGED[case.managed]
    taken = {field for who, _, fields, _ in managed for field in fields.get("f:data", ())}
    if not before:
        taken |= DROPPED.get(case.managed, set())
    data = {field: {} for field in ("f:a", "f:b") if field not in taken}
    label = {"f:metadata": {"f:labels": {"f:towpath.dev/app": {}}}}
    ours = label | ({"f:data": data} if data else {})
    time = "T9" if case.managed == "moved" and not before else "T1"
    entries = [{"manager": "towpath", "operation": "Apply", "time": time, "fieldsV1": ours}]
    entries += [
        {"manager": who, "operation": how, "time": "T2", "fieldsV1": fields, **more}
        for who, how, fields, more in managed
    ]
    made = {"name": name, "namespace": "dev", "uid": "u", "managedFields": entries}
    made["labels"] = {PART_OF_LABEL: OWNER.applyset}
    if case.managed == "wiped" and not before:
        made["managedFields"] = []
    if not before:
        made |= {"uid": "v"} if case.present == "another" else {}
        made |= {"deletionTimestamp": "T3"} if case.present == "deleting" else {}
        made |= {"annotations": {PRUNE_ANNOTATION: "disabled"}} if case.present == "kept" else {}
        made |= {"labels": {}} if case.present == "not-ours" else {}
    return made


@dataclass
class Seen:
    """What all of these objects make of an app."""

    rendered: Rendered
    inventory: Inventory | None
    live: dict[ObjectRef, Manifest]
    namespace: NamespaceState = "present"


def seen_of(cases: dict[str, Situation], *, synced: bool = True, inventory: bool = True) -> Seen:
    objects = tuple(
        manifest(name, "1" if case.git == "same" else "2")
        for name, case in cases.items()
        if case.git != "absent"
    )
    rendered = Rendered("hello", "dev", "dev", objects, digest_of(objects))
    owned = []
    for name, case in cases.items():
        [applied] = prepare_objects([manifest(name)], OWNER, RULES)
        recorded = applied.wanted.fingerprint(metadata_of(name, case, before=True))
        known = OwnedObject(ref(name), "u", recorded, applied.applied_digest, case.recorded == "finished")
        if case.recorded == "left":
            beside = metadata_of(name, replace(case, managed="controller-takes", present="there"))
            known = replace(known, fingerprint=applied.wanted.fingerprint_beside(beside))
        known = replace(known, fingerprint="") if case.recorded == "without-fingerprint" else known
        owned += [OwnedObject(ref(name)) if case.recorded == "unconfirmed" else known]
        if case.recorded == "absent":
            owned.pop()
    waiting = tuple(sorted(ref(n) for n, c in cases.items() if c.waits and c.git == "absent"))
    desired = rendered.digest if synced else "sha256:older"
    made = Inventory(OWNER, "c", desired, tuple(sorted(owned, key=lambda each: each.ref)))
    made = replace(made, deletions=tuple(each for each in waiting if each in made.by_ref))
    live = {
        ref(name): {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata_of(name, case)}
        for name, case in cases.items()
        if case.present != "absent"
    }
    states = sorted({case.namespace for case in cases.values()} - {"present"})
    namespace: Any = states[0] if states else "present"
    return Seen(rendered, made if inventory else None, live, namespace)


def by_reconcile(seen: Seen) -> tuple[int, bool]:
    """(objects that have drifted, whether Git has something to carry out)."""
    desired = {each.ref: each for each in prepare_objects(seen.rendered.objects, OWNER, RULES, (), seen.live)}
    inventories = {"hello": seen.inventory} if seen.inventory else {}
    entries: Iterable[DriftEntry]
    if seen.namespace == "present":
        entries = _by_metadata([seen.rendered], {"hello": desired}, inventories, Live(seen.live))
    else:
        entries = _all_deleted([seen.rendered], seen.namespace)
    entries = list(entries)
    return sum(entry.is_drift for entry in entries), any(entry.kind == "unapplied" for entry in entries)


def by_watch(seen: Seen, order: str = "wiln") -> tuple[int, bool]:
    """The same, as the metrics have it. `order`: Git (w), the inventory (i), the namespace (n), what is live
    (l, or e by events) are seen one after another."""
    state = WatchState("dev", "dev", lambda: None)
    objects = prepare_objects(seen.rendered.objects, OWNER, RULES)
    wanted = Wanted({each.ref: each.wanted.packed() for each in objects}, (seen.rendered.digest,))
    for step in order:
        if step == "n":
            state.see_namespace(seen.namespace)
        elif step == "w":
            state.want({"hello": wanted})
        elif step == "i":
            state.see_inventories([to_configmap(seen.inventory)] if seen.inventory else [])
        elif step == "l":
            state.see_all(KIND, seen.live.values())
        else:
            state.see_all(KIND, [])
            for each in seen.live.values():
                state.see(KIND, WatchEvent("ADDED", each))
    assert state.ready()
    return state.drifted()["hello"], "hello" in state.unapplied()


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("order", ["wiln", "nliw", "iwne"])
def test_watch_and_reconcile_agree(name: str, order: str) -> None:
    case, expected = TABLE[name]
    seen = seen_of({"a": case})
    assert by_reconcile(seen) == (int(expected == "drifted"), expected == "unapplied")
    assert by_watch(seen, order) == by_reconcile(seen)


SITUATIONS = st.builds(
    Situation,
    st.sampled_from(GIT),
    st.sampled_from(RECORDED),
    st.sampled_from(PRESENT),
    st.sampled_from(sorted(MANAGED)),
    st.booleans(),
    st.sampled_from(["present", "present", "missing", "terminating"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), SITUATIONS, max_size=4),
    st.sampled_from(["wiln", "wnli", "iwln", "ilnw", "nliw", "lwin", "wien"]),
    st.booleans(),
)
def test_they_agree_on_any_mixture(cases: dict[str, Situation], order: str, synced: bool) -> None:
    seen = seen_of(cases, synced=synced)
    assert by_watch(seen, order) == by_reconcile(seen)


@settings(max_examples=100, deadline=None)
@given(SITUATIONS, SITUATIONS, st.booleans())
def test_they_agree_after_an_object_has_changed(before: Situation, after: Situation, synced: bool) -> None:
    """Events of an object, its inventory and Git, one after another, lead to what a new start would say."""
    old, new = seen_of({"a": before}), seen_of({"a": after}, synced=synced)
    state = WatchState("dev", "dev", lambda: None)
    for seen in (old, new):
        assert seen.inventory
        objects = prepare_objects(seen.rendered.objects, OWNER, RULES)
        state.see_inventories([to_configmap(seen.inventory)])
        if seen is old:
            state.see_all(KIND, old.live.values())
        elif new.live:
            state.see(KIND, WatchEvent("MODIFIED", new.live[ref("a")]))
        elif old.live:
            state.see(KIND, WatchEvent("DELETED", old.live[ref("a")]))
        state.see_namespace(seen.namespace)
        wanted = Wanted({each.ref: each.wanted for each in objects}, (seen.rendered.digest,))
        state.want({"hello": wanted})
    assert (state.drifted()["hello"], "hello" in state.unapplied()) == by_reconcile(new)


def test_an_inventory_that_is_lost_is_drift_while_its_objects_are_there() -> None:
    seen = seen_of({"a": Situation(), "b": Situation()})
    assert seen.inventory
    objects = prepare_objects(seen.rendered.objects, OWNER, RULES)
    state = WatchState("dev", "dev", lambda: None)
    state.want({"hello": Wanted({each.ref: each.wanted for each in objects}, (seen.rendered.digest,))})
    state.see_inventories([to_configmap(seen.inventory)])
    state.see_all(KIND, seen.live.values())
    state.see_inventory(WatchEvent("DELETED", to_configmap(seen.inventory)))
    lost = replace(seen, inventory=None)
    assert (state.drifted()["hello"], "hello" in state.unapplied()) == by_reconcile(lost) == (1, True)
    state.see_inventory(WatchEvent("ADDED", to_configmap(seen.inventory)))
    assert (state.drifted()["hello"], "hello" in state.unapplied()) == (0, False)


def test_an_app_that_cannot_be_rendered_is_not_compared() -> None:
    seen = seen_of({"a": Situation(managed="person-adds")})
    assert seen.inventory
    state = WatchState("dev", "dev", lambda: None)
    state.see_inventories([to_configmap(seen.inventory)])
    state.see_all(KIND, seen.live.values())
    state.want({"hello": Wanted(broken="no YAML")})
    assert (state.drifted()["hello"], "hello" in state.unapplied()) == (0, True)


@pytest.mark.parametrize("live", [True, False])
def test_an_app_without_a_folder_counts_only_where_it_is_live(live: bool) -> None:
    seen = seen_of({"a": Situation()})
    assert seen.inventory
    state = WatchState("dev", "dev", lambda: None)
    state.see_inventories([to_configmap(seen.inventory)] if live else [])
    state.want({"hello": Wanted(broken="no folder", absent=True)})
    assert ("hello" in state.drifted(), "hello" in state.unapplied()) == (live, live)


def test_a_change_in_git_that_was_carried_out_is_forgotten_before_the_kind_is_listed() -> None:
    new, old = seen_of({"a": Situation()}), seen_of({"a": Situation(git="changed")})
    assert old.inventory and new.inventory
    state = WatchState("dev", "dev", lambda: None)
    state.see_inventories([to_configmap(old.inventory)])
    for seen, unapplied in ((old, True), (new, False)):
        objects = prepare_objects(seen.rendered.objects, OWNER, RULES)
        state.want({"hello": Wanted({each.ref: each.wanted for each in objects}, (seen.rendered.digest,))})
        assert ("hello" in state.unapplied()) is unapplied


def workload(replicas: int | None = 1) -> Manifest:
    spec = {} if replicas is None else {"replicas": replicas}
    metadata = {"name": "web", "namespace": "dev"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def scaler(kind: str = "HorizontalPodAutoscaler", target: str = "web", of: str = "Deployment") -> Manifest:
    api = "keda.sh/v1alpha1" if kind == "ScaledObject" else "autoscaling/v2"
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": "s", "namespace": "dev"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": of, "name": target}},
    }


KEDA = scaler("ScaledObject")


@pytest.mark.parametrize(
    ("then", "now", "git", "expected"),
    [
        ([], [scaler()], workload(), True),
        ([scaler()], [], workload(), True),
        ([], [KEDA], workload(), True),
        ([KEDA], [], workload(), True),
        ([scaler()], [KEDA], workload(), False),
        ([KEDA], [KEDA, scaler()], workload(), False),
        ([], [scaler(target="another")], workload(), False),
        ([], [scaler(of="StatefulSet")], workload(), False),
        ([], [scaler()], workload(None), False),
        ([scaler()], [], workload(None), False),
    ],
)
def test_an_autoscaler_that_comes_or_goes_without_a_commit(
    then: list[Manifest], now: list[Manifest], git: Manifest, expected: bool
) -> None:
    """`then` are live autoscalers of the last sync."""
    kind = Collection("apps", "Deployment", "dev", metadata_only=True)
    [applied] = prepare_objects([git], OWNER, (), then)
    entry = {"manager": "towpath", "operation": "Apply", "time": "T1", "fieldsV1": {"f:spec": {}}}
    metadata = {"name": "web", "namespace": "dev", "uid": "u", "managedFields": [entry]}
    live = {applied.ref: {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}}
    owned = OwnedObject(applied.ref, "u", applied.wanted.fingerprint(metadata), applied.applied_digest)
    rendered = Rendered("hello", "dev", "dev", (git,), digest_of((git,)))
    inventory = Inventory(OWNER, "c", rendered.digest, (owned,))
    desired = {each.ref: each for each in prepare_objects([git], OWNER, (), now, live)}
    entries = _by_metadata([rendered], {"hello": desired}, {"hello": inventory}, Live(live, tuple(now)))
    assert [entry.kind for entry in entries] == ["unapplied"] * expected

    state = WatchState("dev", "dev", lambda: None)

    def read(scalers: list[Manifest]) -> None:
        [each] = prepare_objects([git], OWNER, (), scalers)
        state.want({"hello": Wanted({each.ref: each.wanted.packed()}, (rendered.digest,))})

    read(then)
    state.see_inventories([to_configmap(inventory)])
    state.see_all(kind, live.values())
    assert (state.drifted(), state.unapplied()) == ({"hello": 0}, frozenset())
    around = Surroundings("dev", state.see_namespace, lambda: None)
    around.follow_autoscalers([(group_of(each["apiVersion"]), each["kind"]) for each in (scaler(), KEDA)])
    for each_kind in around.collections() - {around.namespace}:
        around.see_all(each_kind, [each for each in now if each["kind"] == each_kind.kind])
    if around.scaled() != frozenset(target for each in then for target in scale_targets(each)):
        read(now)
    assert (state.drifted(), bool(state.unapplied())) == ({"hello": 0}, expected)
