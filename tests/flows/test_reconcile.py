"""The loop: what it heals, what it only tells, and that it is quiet when there is nothing."""

import json
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.states import Scheduled

from tests.flows.bench import DEPLOYMENT, TOWPATH, Bench
from towpath.applyset.prune_file import dump_prune_file
from towpath.drift.model import DriftEntry, DriftReport
from towpath.drift.proposal import Proposal
from towpath.engine.verify.health_snapshot import AppHealth
from towpath.errors import SyncError, VerifyError
from towpath.formats.versions import V2
from towpath.health import Status
from towpath.objects import ObjectRef
from towpath.orchestration.keys import status_key

HELLO = ObjectRef("apps", "Deployment", "dev", "hello")


def found(*kinds: str, app: str = "hello") -> DriftReport:
    return DriftReport("dev", "", tuple(DriftEntry(app, HELLO, kind) for kind in kinds))


def test_nothing_found_is_said_in_one_line_and_changes_nothing(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.message == f"dev at {bench_head(bench)}: 1 app in sync"
    assert bench.calls == ["detect dev", "health dev hello"]
    assert run.name == "reconcile dev"


def test_drift_is_healed_verified_and_reported(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.calls.clear()
    bench.drift = lambda _: found("modified")
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "sync dev 1", "verify dev 1"]
    assert run.state.message.endswith("synced hello")
    assert Artifact.get("drift-dev") is not None


def test_what_left_git_is_deleted_once_the_app_is_healthy_and_nothing_is_waited_for(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("waiting")
    bench.unhealthy = {"hello": VerifyError("0 of 1 ready")}
    bench.health = {"hello": AppHealth(Status.DEGRADED, "0 of 1 ready")}
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "look dev hello", "health dev hello"]
    assert run.state.is_completed(), "an app that waits is no failure of the run"
    assert rows("dev")[0]["drift"] == "in sync, 1 to delete"
    bench.unhealthy, bench.health = {}, {}
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "look dev hello", "prune dev 1"]
    assert rows("dev")[0]["health"] == "Healthy"


def test_what_cannot_be_deleted_is_a_failure_but_the_app_is_healthy(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("waiting")
    bench.prune_fails = [SyncError("ConfigMap dev/old: forbidden")]
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_failed()
    assert "hello: ConfigMap dev/old: forbidden" in run.state.message
    assert rows("dev")[0]["health"] == "Healthy"


def test_a_pause_and_drift_off_hold_back_deletions(bench: Bench) -> None:
    off = TOWPATH.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, drift: 'off'}")
    bench.push("environments", {"towpath.yaml": off}, "Off")
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("waiting")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]


def test_what_is_kept_is_no_work(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("kept")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    assert rows("dev")[0]["drift"] == "in sync"


def test_report_leaves_drift_alone_but_carries_out_what_people_merged(bench: Bench) -> None:
    report = TOWPATH.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, drift: report}")
    bench.push("environments", {"towpath.yaml": report}, "Report only")
    bench.promoted(bench.release(1), "dev")
    bench.calls.clear()
    bench.drift = lambda _: found("modified", "deleted", "extra")
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    bench.calls.clear()
    bench.drift = lambda _: found("unapplied")
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "sync dev 1", "verify dev 1"]


def test_drift_of_no_app_stands_for_all(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.calls.clear()
    bench.drift = lambda _: found("deleted", app="")
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert "sync dev 1" in bench.calls


def test_one_app_that_fails_stops_no_other(bench: Bench) -> None:
    two = TOWPATH.replace(
        "environments:",
        "  zebra: {image: 127.0.0.1:5000/hello, renderer: plain}\nenvironments:",
    )
    manifest = DEPLOYMENT.replace("name: hello}", "name: zebra}")
    bench.push(
        "environments", {"towpath.yaml": two, "apps/zebra/dev/deployment.yaml": manifest}, "A second app"
    )
    bench.promoted(bench.release(1), "dev")
    release = bench.folder / "work-environments/apps/hello/dev/release.yaml"
    bench.push("environments", {"README.md": "x"}, "Fetch")
    text = release.read_text().replace("app: hello", "app: zebra")
    image = manifest.replace("0" * 64, f"{1:064x}")
    bench.push(
        "environments",
        {"apps/zebra/dev/release.yaml": text, "apps/zebra/dev/deployment.yaml": image},
        "Release it",
    )
    bench.calls.clear()
    bench.drift = lambda _: DriftReport(
        "dev", "", (DriftEntry("hello", HELLO, "deleted"), DriftEntry("zebra", HELLO, "deleted"))
    )
    bench.never_syncs = {"hello": SyncError("Deployment dev/hello: refused")}
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_failed()
    assert "synced zebra; failed hello" in run.state.message
    assert "hello: Deployment dev/hello: refused" in run.state.message


def test_a_release_that_a_person_merged_is_held_when_the_gate_would_not_let_it_in(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.push("environments", {"README.md": "x"}, "Fetch")
    work = bench.folder / "work-environments/apps/hello"
    copied = {
        f"apps/hello/prod/{name}": (work / "dev" / name).read_text()
        for name in ("release.yaml", "deployment.yaml")
    }
    bench.push("environments", copied, "Go live by hand")
    bench.drift = lambda _: DriftReport("prod", "", (DriftEntry("hello", HELLO, "unapplied"),))
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-prod", environment="prod")
    assert run.state.is_failed()
    assert "prod holds hello: no promotion brought hello 0000000 here, a commit names it" in run.state.message
    assert "2 approvals are missing" in run.state.message
    assert not [call for call in bench.calls if call.startswith("sync")]


def test_an_app_that_does_not_render_is_an_event_once_until_it_renders_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("tasks.drift.emit", lambda events: told.extend(event.name for event in events))
    bench.promoted(bench.release(1), "dev")
    path = "apps/hello/dev/deployment.yaml"
    bench.push("environments", {"README.md": "x"}, "Fetch")
    good = (bench.folder / "work-environments" / path).read_text()

    def told_after(text: str) -> list[str]:
        """The events of the first three runs after a commit; the third is about this app only."""
        told.clear()
        bench.push("environments", {path: text}, "Change the app")
        for apps in (None, None, ["hello"]):
            bench.start("reconcile/reconcile-dev", environment="dev", apps=apps)
        return told

    assert told_after("a: [b") == ["towpath.render.failed"]
    assert told_after("a: {b") == ["towpath.render.failed"], "it is another reason"
    assert told_after(good) == []
    assert told_after("a: {b") == ["towpath.render.failed"]


def test_an_environment_without_a_lock_is_refused(bench: Bench) -> None:
    run = bench.start("reconcile/reconcile-dev", environment="dve")
    assert run.state.message.startswith("environment dve is not set up on the Prefect server")
    assert bench.calls == []


def bench_head(bench: Bench) -> str:
    from tests.flows.bench import git

    return git(bench.environments, "rev-parse", "main")[:7]


def test_an_app_that_left_git_goes_only_when_a_commit_confirms_it(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("unapplied", app="gone")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    text = dump_prune_file([(HELLO, "uid")], V2)
    bench.push("environments", {"apps/gone/dev/prune.yaml": text}, "Remove gone")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "remove gone dev 1", "health dev hello"]


def test_extras_are_deleted_only_where_asked_and_after_everything_went_well(bench: Bench) -> None:
    prune = TOWPATH.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, extras: prune}")
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("extra", app="")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    bench.push("environments", {"towpath.yaml": prune}, "Prune extras")
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "extras dev 1", "health dev hello"]


PAUSED = """\
- {until: '2999-01-01T00:00:00+00:00', reason: migration, by: alice}
"""
ADOPT = TOWPATH.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, drift: adopt}")


def rows(environment: str) -> list[dict[str, object]]:
    newest = Artifact.get(status_key(environment))
    assert newest is not None
    return json.loads(str(newest.data))


def test_drift_is_adopted_where_the_mode_says_so_and_said_in_the_end(bench: Bench) -> None:
    bench.push("environments", {"towpath.yaml": ADOPT}, "Adopt")
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("modified")
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert "adopt hello dev 1" in bench.calls
    assert not [call for call in bench.calls if call.startswith("sync")]
    assert run.state.message.endswith("hello: 0 fields on branch towpath/adopt-dev-hello")
    newest = Artifact.get("adopt-dev")
    assert newest is not None
    assert "towpath/adopt-dev-hello" in str(newest.data)
    assert [row["drift"] for row in rows("dev")] == ["drift to adopt: 1 object"]


def test_an_adoption_that_fails_fails_the_run_and_says_why(bench: Bench) -> None:
    bench.push("environments", {"towpath.yaml": ADOPT}, "Adopt")
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("modified")
    bench.proposal = Proposal("hello", "towpath/adopt-dev-hello", "", False, failure="has a commit of Ann")
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_failed()
    assert "hello: has a commit of Ann" in run.state.message


def test_while_it_is_paused_a_reconcile_only_tells_and_nothing_is_promoted(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.push("environments", {"pauses/dev.yaml": PAUSED}, "Pause dev")
    bench.drift = lambda _: found("modified", "unapplied")
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    assert "paused until 2999-01-01T00:00:00+00:00 by alice: migration" in run.state.message
    assert [row["drift"] for row in rows("dev")] == ["paused, drifted: 1 object"]
    second = bench.release(2)
    promotion = bench.start("promote/promote-dev", app="hello", digest=second.id, environment="dev")
    assert promotion.state.is_failed()
    assert "dev is paused until 2999" in promotion.state.message


def test_what_was_healed_too_often_is_told_until_a_person_begins_anew(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("modified")
    bench.exhausted = frozenset({HELLO})
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.calls == ["detect dev", "health dev hello"]
    assert run.state.message.endswith("healing stopped hello")
    [row] = rows("dev")
    assert row["drift"] == "healing stopped: 1 object"
    assert "healing stopped after 3 times in 10 minutes" in str(row["detail"])
    bench.calls.clear()
    bench.start("reconcile/reconcile-dev", environment="dev", reset_budget=True)
    assert bench.calls[:2] == ["forget heals dev None", "detect dev"]
    assert "sync dev 1" in bench.calls


def test_an_app_that_does_not_render_says_so_in_the_table_with_the_release_that_git_names(
    bench: Bench,
) -> None:
    release = bench.release(1)
    bench.promoted(release, "dev")
    bench.push("environments", {"README.md": "x"}, "Fetch")
    bench.push("environments", {"apps/hello/dev/deployment.yaml": "a: [b"}, "Break it")
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_failed()
    (row,) = rows("dev")
    assert (row["health"], row["drift"]) == ("Unknown", "cannot be rendered")
    assert row["release"] == release.id.removeprefix("sha256:")[:12]
    assert str(row["detail"]).startswith("apps/hello/dev/deployment.yaml:2:")
    newest = Artifact.get("drift-dev")
    assert newest is not None
    assert str(newest.data).startswith("dev: not compared: hello\n")


def test_what_left_git_and_what_nobody_declared_are_in_the_table_until_they_are_gone(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    one, two = (ObjectRef("", "ConfigMap", "dev", name) for name in ("one", "two"))
    bench.drift = lambda _: DriftReport(
        "dev",
        "",
        (
            *(DriftEntry("gone", ref, "unapplied") for ref in (one, two)),
            DriftEntry("", ObjectRef("", "Secret", "dev", "stray"), "extra"),
        ),
    )
    bench.start("reconcile/reconcile-dev", environment="dev")
    told = {str(row["app"]): (row["drift"], row["detail"]) for row in rows("dev")}
    assert told["gone"] == ("left Git: 2 objects", "")
    assert told["(extras)"] == ("undeclared: 1 object", "Secret dev/stray")
    bench.start("reconcile/reconcile-dev", environment="dev", apps=["hello"])
    assert {row["app"] for row in rows("dev")} == {"hello", "gone", "(extras)"}, "it looked at hello only"
    bench.drift = lambda name: DriftReport(name, "", ())
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert [row["app"] for row in rows("dev")] == ["hello"]


def test_a_look_that_ends_in_failures_is_a_look_all_the_same(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    bench.drift = lambda _: found("modified")
    bench.never_syncs = {"hello": SyncError("refused")}
    bench.start("reconcile/reconcile-dev", environment="dev")
    (before,) = rows("dev")
    time.sleep(1.1)  # the table tells seconds
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_failed()
    (after,) = rows("dev")
    assert str(after.pop("at")) > str(before.pop("at"))
    assert after == before


def test_reconciles_that_the_server_plans_are_named_after_their_environment(bench: Bench) -> None:
    def planned(environment: str, *tags: str) -> UUID:
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(f"reconcile/reconcile-{environment}")
            later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1))
            parameters = {"environment": environment}
            run = client.create_flow_run_from_deployment(
                found.id, parameters=parameters, state=later, tags=tags, name="wild-falcon"
            )
        return run.id

    ours = planned("dev", "auto-scheduled")
    others = [planned("prod", "auto-scheduled"), planned("dev")]
    bench.promoted(bench.release(1), "dev")
    bench.start("reconcile/reconcile-dev", environment="dev", apps=["hello"])
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(ours).name == "wild-falcon", "a look at some apps is no chore"
    bench.start("reconcile/reconcile-dev", environment="dev")
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(ours).name == "reconcile dev"
        assert {client.read_flow_run(each).name for each in others} == {"wild-falcon"}
        for each in (ours, *others):
            client.delete_flow_run(each)
