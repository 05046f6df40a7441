"""What is published of an app that a reconcile has looked at."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.described import app, context_at, deployment
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport
from towpath.engine.live.observe import Live
from towpath.engine.reconcile import published
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.published import published_apps
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.source.render import EarlierApp, Rendered, digest_of
from towpath.errors import UnknownNameError
from towpath.objects import Manifest, ObjectRef, ref_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = Owner("hello", "dev", "dev")
COMMIT, FAILED = "a" * 40, "f" * 40
DEPLOYMENT = deployment("hello")
REF = ref_of(DEPLOYMENT)
KEY = b"k" * 32


def with_digest(rendered: Rendered) -> Rendered:
    return replace(rendered, digest=digest_of((*rendered.objects, *rendered.hooks)))


def secret(value: str) -> Manifest:
    metadata = {"name": "s", "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"p": value}}


def plan(inventory: Inventory | None, *rendered: Rendered, **more: Any) -> ReconcilePlan:
    entries = more.pop("entries", ())
    live = Live({REF: {"metadata": {"uid": "1"}}}, digest_key=KEY)
    inventories = {"hello": inventory} if inventory else {}
    inspection = Inspection(DriftReport("dev", COMMIT, entries), live, inventories)
    known = {"broken": {}, "decisions": (), **more}
    return ReconcilePlan(
        context_at(Path()), rendered, {}, known["broken"], inspection, known["decisions"], whole=True
    )


def inventory(desired: str, *owned: OwnedObject) -> Inventory:
    return Inventory(OWNER, COMMIT, desired, owned)


def test_an_app_that_is_in_sync() -> None:
    rendered = with_digest(app("hello", DEPLOYMENT))
    found = published_apps(plan(inventory(rendered.digest, OwnedObject(REF, "1")), rendered), NOW)["hello"]
    assert (found.commit, found.manifests, found.at) == (COMMIT, rendered.digest, "2026-01-01T00:00:00+00:00")
    assert found.live.startswith("sha256:")
    assert (found.entries, found.elsewhere, found.is_live) == ((), (), True)


def test_an_app_that_was_never_applied() -> None:
    found = published_apps(plan(None, with_digest(app("hello", DEPLOYMENT))), NOW)["hello"]
    assert (found.commit, found.manifests, found.is_live) == ("", "", False)


def test_of_secret_values_neither_the_plain_digest_nor_the_keyed_one_is_published() -> None:
    rendered = with_digest(app("hello", secret("swordfish-1")))
    found = published_apps(plan(inventory(rendered.recorded_digest(KEY)), rendered), NOW)["hello"]
    assert found.manifests not in ("", rendered.digest, rendered.recorded_digest(KEY))
    other = with_digest(app("hello", secret("swordfish-2")))
    again = published_apps(plan(inventory(other.recorded_digest(KEY)), other), NOW)["hello"]
    assert again.manifests == found.manifests


def test_what_git_has_now_is_not_told_as_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    applied = with_digest(app("hello", DEPLOYMENT))
    newer = with_digest(app("hello", DEPLOYMENT, deployment("second")))
    environment = context_at(Path()).environment
    monkeypatch.setattr(
        published, "renders_before", lambda *_: lambda commit: EarlierApp(applied, environment)
    )
    found = published_apps(plan(inventory(applied.digest), newer), NOW)["hello"]
    assert found.manifests == applied.digest


def test_where_the_commit_is_not_known_no_digest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> EarlierApp:
        raise UnknownNameError("commit", COMMIT)

    monkeypatch.setattr(published, "renders_before", lambda *_: unknown)
    found = published_apps(plan(inventory("sha256:" + "0" * 64), with_digest(app("hello", DEPLOYMENT))), NOW)
    assert (found["hello"].commit, found["hello"].manifests) == (COMMIT, "")


def test_objects_of_a_sync_that_failed_are_told_with_its_commit() -> None:
    rendered = with_digest(app("hello", DEPLOYMENT))
    owned = OwnedObject(REF, "1", commit=FAILED)
    found = published_apps(plan(inventory(rendered.digest, owned), rendered), NOW)["hello"]
    assert found.elsewhere == ((REF, FAILED),)


def test_drift_and_decision_are_those_of_the_plan() -> None:
    entry = DriftEntry("hello", REF, "modified")
    other = DriftEntry("other", ObjectRef("", "ConfigMap", "dev", "x"), "kept")
    decided = Decision("hello", "report", (entry,), "drift is allowed here", "report", counted=(entry,))
    found = published_apps(
        plan(None, with_digest(app("hello", DEPLOYMENT)), entries=(entry, other), decisions=(decided,)), NOW
    )
    assert found["hello"].entries == (entry,)
    assert (found["hello"].decision.action, found["hello"].decision.counted) == ("report", ())
    assert found["other"].entries == (other,)


def test_an_app_that_does_not_render_is_told_with_the_reason() -> None:
    found = published_apps(plan(inventory("sha256:0"), broken={"hello": "no such file"}), NOW)["hello"]
    assert (found.broken, found.commit) == ("no such file", COMMIT)
