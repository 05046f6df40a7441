"""Order between apps: who depends on others waits for them, and that is neither drift nor a failure."""

from typing import Any

import pytest

from tests.flows.bench import TOWPATH, Bench
from tests.flows.test_reconcile import rows
from towpath.drift.model import DriftEntry, DriftReport
from towpath.engine.verify.health_snapshot import AppHealth
from towpath.errors import SyncError, VerifyError
from towpath.health import Status
from towpath.objects import ObjectRef

CONFIG = TOWPATH.replace("apps:\n", "apps:\n  db: {renderer: plain}\n").replace(
    "    renderer: plain\n", "    renderer: plain\n    dependsOn: [db]\n"
)
SYNCED = ["sync dev db", "verify dev no image", "sync dev 1", "verify dev 1"]


def differs(*apps: str, kind: Any = "unapplied") -> DriftReport:
    return DriftReport("dev", "", tuple(_entry(app, kind) for app in apps))


def _entry(app: str, kind: Any) -> DriftEntry:
    return DriftEntry(app, ObjectRef("", "ConfigMap", "dev", app), kind)


@pytest.fixture
def both(bench: Bench) -> Bench:
    """`hello` runs in dev, and depends on `db`, which has no image."""
    bench.promoted(bench.release(1), "dev")
    bench.push("environments", {"towpath.yaml": CONFIG, **files("dev")}, "With a database")
    bench.calls.clear()
    return bench


def files(*environments: str) -> dict[str, str]:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n"
    return {f"apps/db/{name}/db.yaml": text for name in environments}


def reconcile(bench: Bench) -> str:
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state is not None
    return str(run.state.message)


def row(app: str) -> dict[str, Any]:
    return next(each for each in rows("dev") if each["app"] == app)


def test_a_dependency_is_synced_and_verified_first(both: Bench) -> None:
    both.drift = lambda _: differs("hello", "db")
    assert reconcile(both).endswith("synced db, hello")
    assert both.calls == ["detect dev", *SYNCED]


def test_who_waits_is_told_and_comes_in_when_the_other_is_healthy(both: Bench) -> None:
    both.drift = lambda _: differs("hello")
    both.not_ready = {"db": "Progressing: Deployment dev/db: 0 of 1 ready"}
    both.health = {"db": AppHealth(Status.PROGRESSING, "0 of 1 ready")}
    said = reconcile(both)
    assert said.endswith(
        "hello waits for db, not healthy: Progressing: Deployment dev/db: 0 of 1 ready; not healthy db"
    )
    assert both.calls == ["detect dev", "ready? dev db", "look dev db", "health dev db", "health dev hello"]
    assert (row("hello")["health"], row("hello")["drift"]) == ("Healthy", "waits for db")
    assert "not healthy: Progressing: Deployment dev/db" in row("hello")["detail"]
    both.not_ready, both.health = {}, {}
    assert reconcile(both).endswith("synced hello")
    assert row("hello")["drift"] == "in sync"


def test_a_dependency_that_fails_holds_who_depends_on_it(both: Bench) -> None:
    both.drift = lambda _: differs("hello", "db")
    both.verify_fails = [VerifyError("app db in dev did not become healthy in time (120 s)")]
    run = both.start("reconcile/reconcile-dev", environment="dev")
    assert run.state is not None
    assert run.state.is_failed()
    assert "failed db" in str(run.state.message)
    assert "hello waits for db, not healthy: app db in dev did not become healthy in time (120 s)" in str(
        run.state.message
    )
    assert not [call for call in both.calls if call.startswith("sync dev 1")]
    assert row("hello")["drift"] == "waits for db"


def test_nobody_is_asked_where_nothing_is_to_be_done(both: Bench) -> None:
    reconcile(both)
    assert both.calls == ["detect dev", "look dev db", "health dev db", "health dev hello"]


def test_an_app_that_is_not_in_the_environment_is_not_waited_for(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.push("environments", {"towpath.yaml": CONFIG, **files("prod")}, "A database in prod only")
    bench.drift = lambda _: differs("hello")
    assert reconcile(bench).endswith("synced hello")


def test_what_left_git_is_deleted_in_the_reverse_order(both: Bench) -> None:
    both.drift = lambda _: differs("hello", "db", kind="waiting")
    reconcile(both)
    assert [call for call in both.calls if call.startswith("prune")] == ["prune dev 1", "prune dev db"]
    both.drift = lambda _: DriftReport("dev", "", (_entry("hello", "unapplied"), _entry("db", "waiting")))
    both.never_syncs = {"hello": SyncError("refused")}
    reconcile(both)
    assert not [call for call in both.calls if call.startswith("prune")], "hello is not in without it yet"


def test_a_promotion_waits_and_begins_again_by_itself(both: Bench) -> None:
    release = both.release(2)
    both.not_ready = {"db": "Progressing: Deployment dev/db: 0 of 1 ready (timeout 2 m 00 s)"}
    run = both.promoted(release, "dev")
    assert run.state is not None
    assert run.state.message == (
        "hello waits for db, not healthy: Progressing: Deployment dev/db: 0 of 1 ready (timeout 2 m 00 s)"
    )
    assert both.calls == ["plan dev", "ready? dev db"]
    assert "Promote hello 0000000 to dev" not in both.subjects()[:1]
    both.not_ready = {}
    run = both.again(run)
    assert run.state is not None
    assert run.state.message == "dev runs hello 0000000, verified"
