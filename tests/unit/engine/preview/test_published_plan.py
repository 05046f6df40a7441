"""A plan without a cluster: Git now against what was applied last, and the drift that was published."""

from typing import Any

import pytest

from towpath.applyset.plan import Plan
from towpath.config import parse_config
from towpath.drift.model import DriftEntry
from towpath.drift.published import PublishedApp
from towpath.engine.preview.published_plan import plan_from_published, plan_leaving_from_published
from towpath.engine.source.render import EarlierApp, Rendered, digest_of
from towpath.errors import UnknownNameError
from towpath.kube.diff import Difference
from towpath.objects import Manifest, ObjectRef, ref_of

HEAD = "apiVersion: towpath.dev/v2\nenvironments:\n"
ENVIRONMENT = parse_config(HEAD + "  - {name: prod, namespace: prod}\n").environment("prod")
FREE = parse_config(HEAD + "  - {name: prod, namespace: prod, drift: report}\n").environment("prod")
APPLIED, FAILED = "a" * 40, "f" * 40
CONFIRMED: dict[ObjectRef, str] = {}


def thing(name: str, *, kind: str = "ConfigMap", **data: str) -> Manifest:
    metadata = {"name": name, "namespace": "prod"}
    key = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, key: data}


def ref(name: str, kind: str = "ConfigMap") -> ObjectRef:
    return ObjectRef("", kind, "prod", name)


def rendered(*objects: Manifest, hooks: tuple[Manifest, ...] = ()) -> Rendered:
    return Rendered("hello", "prod", "prod", objects, digest_of((*objects, *hooks)), hooks=hooks)


def plan(now: Rendered, *before: Manifest, environment: Any = ENVIRONMENT, **app: Any) -> tuple[Plan, str]:
    earlier = rendered(*before)
    known = {"commit": APPLIED, "manifests": earlier.recorded_digest(None), **app}
    return plan_from_published(
        now, environment, PublishedApp(**known), lambda _: EarlierApp(earlier, environment), CONFIRMED
    )


def edited(name: str, *found: Difference, kind: Any = "modified", **more: Any) -> DriftEntry:
    return DriftEntry("hello", ref(name), kind, found, **more)


def actions(made: Plan) -> dict[str, str]:
    return {entry.ref.name: entry.action for entry in made.entries}


def test_git_as_it_was_applied_is_no_difference() -> None:
    made, note = plan(rendered(thing("a", A="1")), thing("a", A="1"))
    assert (actions(made), made.differs, note) == ({"a": "unchanged"}, False, "")


def test_what_git_adds_changes_and_takes_away() -> None:
    now = rendered(thing("a", A="2"), thing("b"), thing("same"))
    made, _ = plan(now, thing("a", A="1"), thing("gone"), thing("same"))
    assert actions(made) == {"a": "configure", "b": "create", "same": "unchanged", "gone": "delete"}
    (change,) = next(entry for entry in made.entries if entry.ref.name == "a").differences
    assert (change.pointer, change.live, change.desired) == ("/data/A", "1", "2")


def test_an_app_that_was_never_applied_is_created() -> None:
    made, _ = plan_from_published(
        rendered(thing("a")), ENVIRONMENT, PublishedApp(), lambda _: None, CONFIRMED
    )
    assert actions(made) == {"a": "create"}


def test_published_drift_is_taken_back_where_it_is_healed_and_left_where_not() -> None:
    drift = (edited("a", Difference("/data/A", "9", "1")), edited("b", kind="deleted"))
    now, before = rendered(thing("a", A="1"), thing("b")), (thing("a", A="1"), thing("b"))
    healed, _ = plan(now, *before, entries=drift)
    assert actions(healed) == {"a": "configure", "b": "create"}
    (change,) = healed.entries[0].differences
    assert (change.live, change.desired) == ("9", "1")
    left, _ = plan(now, *before, entries=drift, environment=FREE)
    assert actions(left) == {"a": "skip", "b": "skip"}
    assert left.differs


def test_a_field_that_git_and_a_person_changed_is_told_as_it_is_live() -> None:
    made, _ = plan(
        rendered(thing("a", A="2")),
        thing("a", A="1"),
        entries=(edited("a", Difference("/data/A", "9", "1")),),
    )
    (change,) = made.entries[0].differences
    assert (change.live, change.desired, made.entries[0].reason) == ("9", "2", "changed live, too")


def test_a_field_that_is_left_to_a_controller_is_skipped() -> None:
    entry = edited("a", Difference("/data/ca", "PEM", "none"), left_to="1 field left to cainjector")
    made, _ = plan(rendered(thing("a", ca="none")), thing("a", ca="none"), entries=(entry,))
    assert [(each.action, each.reason) for each in made.entries] == [("skip", "1 field left to cainjector")]


def test_what_git_had_not_applied_when_it_was_published_is_compared_by_git_alone() -> None:
    entry = edited("a", Difference("/data/A", "1", "2"), kind="unapplied")
    made, _ = plan(rendered(thing("a", A="1")), thing("a", A="1"), entries=(entry,))
    assert actions(made) == {"a": "unchanged"}


def test_values_of_secrets_are_masked_and_a_change_is_told() -> None:
    made, _ = plan(
        rendered(thing("s", kind="Secret", p="new-secret")), thing("s", kind="Secret", p="old-secret")
    )
    assert actions(made) == {"s": "configure"}
    text = made.to_text() + str(made.to_json())
    assert "secret" not in text.replace("Secret", "").replace("secret: ", "")
    assert "***" in text


def test_a_secret_in_plain_and_in_base64_is_the_same() -> None:
    encoded = {**thing("s", kind="Secret"), "data": {"p": "b2xk"}}
    del encoded["stringData"]
    made, _ = plan(rendered(thing("s", kind="Secret", p="old")), encoded)
    assert actions(made) == {"s": "unchanged"}


def test_ignored_fields_are_no_difference() -> None:
    rule = "  - {name: prod, namespace: prod, ignore: [{kind: ConfigMap, pointer: /data/A}]}\n"
    ignoring = parse_config(HEAD + rule).environment("prod")
    made, _ = plan(rendered(thing("a", A="2")), thing("a", A="1"), environment=ignoring)
    assert actions(made) == {"a": "unchanged"}


def test_a_scaled_field_is_no_difference() -> None:
    def workload(replicas: int) -> Manifest:
        metadata = {"name": "web", "namespace": "prod"}
        spec = {"replicas": replicas}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web-scaler", "namespace": "prod"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    made, _ = plan(rendered(workload(5), scaler), workload(1), scaler)
    assert set(actions(made).values()) == {"unchanged"}


def test_an_object_whose_last_apply_was_of_another_commit_is_compared_with_that() -> None:
    by_commit = {
        APPLIED: EarlierApp(rendered(thing("a", A="1"), thing("b", B="1")), ENVIRONMENT),
        FAILED: EarlierApp(rendered(thing("a", A="2"), thing("b", B="2")), ENVIRONMENT),
    }
    app = PublishedApp(commit=APPLIED, elsewhere=((ref("a"), FAILED),))
    now = rendered(thing("a", A="2"), thing("b", B="2"))
    made, _ = plan_from_published(now, ENVIRONMENT, app, by_commit.get, CONFIRMED)
    assert actions(made) == {"a": "unchanged", "b": "configure"}


def test_a_commit_that_nobody_has_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match=f"unknown commit '{APPLIED}'"):
        plan_from_published(
            rendered(thing("a")), ENVIRONMENT, PublishedApp(commit=APPLIED), lambda _: None, CONFIRMED
        )


def test_another_rendering_than_was_applied_is_told() -> None:
    made, note = plan(rendered(thing("a")), thing("a"), manifests="sha256:" + "0" * 64)
    assert "renders here to something else" in note
    assert actions(made) == {"a": "unchanged"}


@pytest.mark.parametrize(("applied", "runs"), [(True, False), (False, True)])
def test_hooks_run_when_what_was_applied_is_another_rendering(applied: bool, runs: bool) -> None:
    hook = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "annotations": {"towpath.dev/hook": "pre-sync"}},
    }
    now = rendered(thing("a"), hooks=(hook,))
    digest = now.recorded_digest(None) if applied else "sha256:" + "0" * 64
    made, _ = plan(now, thing("a"), manifests=digest)
    assert ("migrate" in actions(made)) is runs


def test_what_is_kept_is_not_deleted_and_too_many_deletions_are_told() -> None:
    kept = {
        **thing("kept"),
        "metadata": {**thing("kept")["metadata"], "annotations": {"towpath.dev/prune": "disabled"}},
    }
    made, _ = plan(rendered(thing("a")), thing("a"), kept, *(thing(f"n{number}") for number in range(20)))
    skipped = [entry for entry in made.entries if entry.action == "skip"]
    assert [(entry.ref.name, entry.reason.startswith("not deleted: ")) for entry in skipped] == [
        ("kept", True)
    ]
    reasons = {entry.reason for entry in made.entries if entry.action == "delete"}
    assert len(reasons) == 1
    assert "would delete 20 of 22 objects" in reasons.pop()


def test_an_app_that_left_git_is_told_object_by_object() -> None:
    earlier = EarlierApp(rendered(thing("a"), thing("b")), ENVIRONMENT)
    app = PublishedApp(commit=APPLIED, entries=(edited("c", kind="kept"),))
    confirmed = {ref("a"): "uid"}
    made, _ = plan_leaving_from_published("hello", ENVIRONMENT, app, lambda _: earlier, confirmed)
    assert {entry.ref.name: "not confirm" in entry.reason for entry in made.entries} == {
        "a": False, "b": True, "c": True,
    }  # fmt: skip


@pytest.mark.parametrize("app", [None, PublishedApp(), PublishedApp(health="Unknown")])
def test_an_app_that_nobody_knows_is_an_error(app: PublishedApp | None) -> None:
    with pytest.raises(UnknownNameError, match="unknown app 'helo' in Git, and nothing of it was published"):
        plan_leaving_from_published("helo", ENVIRONMENT, app, lambda _: None, CONFIRMED)


def test_refs_are_those_of_the_manifests() -> None:
    assert ref_of(thing("a")) == ref("a")
