"""Promotion: gate, approvals, commit, sync, verify, rollback, and on to the next environment."""

import dataclasses
import re
import threading
import time
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Paused, Scheduled

from flows import promote as promoting
from tasks import approval_gate
from tasks.proposal import plan_markdown
from tasks.runs import step
from tests.flows.approvals import approve, waiting_in_prod
from tests.flows.bench import TOWPATH, Bench, git
from towpath.adapters.kubernetes import ApiRefusedError
from towpath.errors import SyncError, TransientError, VerifyError
from towpath.orchestration import keys
from towpath.orchestration.keys import description_key
from towpath.release.model import Release, ScanSummary


def no_git(*_: Any) -> NoReturn:
    raise TransientError("Git does not answer")


def question(run: FlowRun) -> str:
    """The Markdown above the form of a suspended run."""
    assert run.state is not None
    key = description_key(run.state.state_details.pause_key)
    with get_client(sync_client=True) as client:
        return client.read_flow_run_input(run.id, key)


def test_a_release_goes_in_by_commit_sync_verify_and_starts_the_next_promotion(bench: Bench) -> None:
    release = bench.release(1)
    run = bench.promoted(release, "dev")
    assert run.state.message == "dev runs hello 0000000, verified"
    assert run.name == "promote hello 0000000 to dev"
    assert {"app:hello", "environment:dev", "commit:0000000", "release:000000000000"} <= set(run.tags)
    assert bench.calls == ["plan dev", "sync dev 1", "verify dev 1", "prune dev 1"]
    assert bench.subjects() == ["Verified hello 0000000 in dev", "Promote hello 0000000 to dev", "Begin"]
    following = bench.successor(run, "prod")
    assert following is not None
    assert following.parameters["parent"] == str(run.id)
    assert following.name == "promote hello 0000000 to prod"


def test_the_same_promotion_again_commits_nothing(bench: Bench) -> None:
    release = bench.release(1)
    bench.promoted(release, "dev")
    before = bench.subjects()
    assert bench.promoted(release, "dev").state.is_completed()
    assert bench.subjects() == before


def test_a_release_that_is_not_verified_before_is_refused(bench: Bench) -> None:
    run = bench.promoted(bench.release(1), "prod")
    assert run.state.is_failed()
    assert "must be verified in dev first" in run.state.message
    assert bench.calls == ["plan prod"]


def test_a_release_that_todays_scan_policy_would_block_is_refused(bench: Bench) -> None:
    scan = ScanSummary("passed", ("secret",), {"MEDIUM": 1}, findings={"jwt-token": "MEDIUM"})
    release = bench.shelve(dataclasses.replace(bench.release(1), scan=scan))
    assert bench.promoted(release, "dev").state.is_completed()
    bench.push("environments", {"towpath.yaml": TOWPATH.replace("[HIGH]", "[HIGH, MEDIUM]")}, "Stricter")
    run = bench.promoted(release, "prod")
    assert "would be blocked by today's scan policy: MEDIUM jwt-token" in run.state.message
    assert bench.state("prod") is None


def test_an_unknown_release_is_refused_by_name(bench: Bench) -> None:
    run = bench.start("promote/promote-dev", app="hello", digest=f"sha256:{9:064x}", environment="dev")
    assert run.state.is_failed()
    assert run.state.message.startswith("unknown release")


def test_approvals_of_two_people_let_it_in_and_are_in_the_commit(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    assert "Awaited: 2 of alice, bob" in question(run)
    assert "towpath approve hello --environment prod" in question(run)
    assert "](/artifacts/artifact/" in question(run)
    run = approve(bench, run, "alice")
    assert run.state.name == "Suspended"
    assert "Awaited: 1 of bob, carol. Approved by alice (declared)." in question(run)
    assert bench.state("prod") is None
    run = approve(bench, run, "bob")
    assert run.state.is_completed(), run.state.message
    state = bench.state("prod")
    assert state is not None
    assert state.approved_by == ("alice", "bob")
    assert state.verified_at is not None


DO_NOT_HOLD: list[tuple[dict[str, str], str]] = [
    ({"name": "mallory"}, "'mallory' may not approve in prod"),
    ({"name": "dana"}, "nobody approves his own work"),
    ({"name": "alice", "digest": f"sha256:{5:064x}"}, "approval is for another digest"),
    ({"name": "alice", "plan": f"sha256:{5:064x}"}, "approval is for another manifests"),
    ({"name": "alice", "plan": ""}, "does not say which plan it is about"),
]


def test_an_approval_that_does_not_hold_changes_nothing_and_is_told(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    before = bench.subjects()
    for form, reason in DO_NOT_HOLD:
        assert reason not in question(run)
        run = approve(bench, run, **form)
        assert run.state.name == "Suspended", form
        assert reason in question(run)
        assert "Awaited: 2 of " in question(run)
        assert bench.subjects() == before, form


def test_one_person_cannot_approve_twice(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    run = approve(bench, approve(bench, run, "alice"), "alice")
    assert run.state.name == "Suspended"
    assert "alice has approved already" in question(run)
    assert approve(bench, run, "bob").state.is_completed()


def test_a_changed_plan_asks_anew(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    run = approve(bench, run, "alice")
    text = git(bench.environments, "show", "main:apps/hello/prod/deployment.yaml") + "\n"
    more = text.replace("replicas: 1", "replicas: 5")
    bench.push("environments", {"apps/hello/prod/deployment.yaml": more}, "More replicas")
    run = approve(bench, run, "bob")
    assert run.state.name == "Suspended"
    assert "Awaited: 2 of " in question(run)
    assert bench.state("prod") is None


def test_an_answer_without_the_plan_that_was_seen_does_not_count(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    form = {"decision": "approve", "approver": "alice", "digest": run.parameters["digest"]}
    with get_client(sync_client=True) as client:
        assert client.resume_flow_run(run.id, run_input=form).status.value == "ACCEPT"
    run = bench.work(run.id)
    assert run.state.name == "Suspended"
    assert "does not say which plan it is about" in question(run)


def test_answers_given_before_an_upgrade_are_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(keys, "FORM", "1")
        run = waiting_in_prod(bench, bench.release(1))
        with get_client(sync_client=True) as client:
            form = {"decision": "approve", "approver": "alice", "digest": run.parameters["digest"]}
            assert client.resume_flow_run(run.id, run_input=form).status.value == "ACCEPT"
    run = bench.work(run.id)
    assert run.state.name == "Suspended"
    assert "The last answer did not count: it was given before an upgrade" in question(run)
    assert "Awaited: 2 of " in question(run)
    assert "upgrade" not in question(approve(bench, run, "alice"))


def test_an_empty_resume_is_refused_by_the_form(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    with get_client(sync_client=True) as client:
        assert client.resume_flow_run(run.id, run_input={}).status.value == "REJECT"
        assert client.resume_flow_run(run.id).status.value == "REJECT"


def test_a_run_set_going_without_an_answer_asks_again(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Scheduled(), force=True)
    run = bench.work(run.id)
    assert run.state.name == "Suspended"
    assert "resumed without an answer" in question(run)
    assert bench.state("prod") is None


def test_a_rejection_ends_the_run_and_changes_nothing(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    before = bench.subjects()
    run = bench.answer(
        run, decision="reject", approver="bob", digest=run.parameters["digest"], reason="not today"
    )
    assert (run.state.type.value, run.state.name) == ("CANCELLED", "Rejected")
    assert run.state.message.startswith("bob rejected hello 0000000 in prod: not today")
    assert bench.subjects() == before


def test_a_release_that_a_newer_one_overtook_while_it_waited_is_superseded(bench: Bench) -> None:
    old = waiting_in_prod(bench, bench.release(1))
    new = approve(bench, approve(bench, waiting_in_prod(bench, bench.release(2)), "alice"), "bob")
    assert new.state.is_completed()
    with get_client(sync_client=True) as client:
        old = client.read_flow_run(old.id)
    assert (old.state.type.value, old.state.name) == ("CANCELLED", "Superseded")
    assert str(new.id) in old.state.message


def read(run: FlowRun) -> FlowRun:
    """As the server has it now."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def built(bench: Bench, number: int, at: str) -> Release:
    """A release that was built at a time of 2026-01-01, and is verified in dev."""
    release = bench.shelve(dataclasses.replace(bench.release(number), built_at=f"2026-01-01T{at}+00:00"))
    assert bench.promoted(release, "dev").state.is_completed()
    return release


def test_the_same_release_joins_the_promotion_that_waits_and_keeps_its_approvals(bench: Bench) -> None:
    release = bench.release(1)
    first = approve(bench, waiting_in_prod(bench, release), "alice")
    again = bench.promoted(release, "prod")
    assert (again.state.type.value, again.state.name) == ("COMPLETED", "Joined")
    assert (
        f"hello 0000000 waits already: promote hello 0000000 to prod, run {first.id}" in again.state.message
    )
    assert read(first).state.name == "Suspended"
    assert approve(bench, first, "bob").state.is_completed()


def test_a_newer_release_ends_the_wait_of_an_older_one_and_says_so(bench: Bench) -> None:
    old = bench.promoted(built(bench, 1, "10:00:00"), "prod")
    assert old.state.name == "Suspended"
    new = bench.promoted(built(bench, 2, "11:00:00"), "prod")
    assert new.state.name == "Suspended"
    old = read(old)
    assert (old.state.type.value, old.state.name) == ("CANCELLED", "Superseded")
    assert old.state.message == f"hello 0000000 was superseded by 0000000, run {new.id}"


def test_an_older_release_does_not_wait_beside_a_newer_one(bench: Bench) -> None:
    older = built(bench, 1, "10:00:00")
    new = bench.promoted(built(bench, 2, "11:00:00"), "prod")
    bench.promoted(older, "dev")
    old = bench.promoted(older, "prod")
    assert (old.state.type.value, old.state.name) == ("CANCELLED", "Superseded")
    assert str(new.id) in old.state.message
    assert "Reject that run to go first" in old.state.message
    assert read(new).state.name == "Suspended"


def test_of_two_builds_of_one_second_the_promotion_that_came_last_waits(bench: Bench) -> None:
    old = bench.promoted(built(bench, 1, "10:00:00"), "prod")
    new = bench.promoted(built(bench, 2, "10:00:00"), "prod")
    assert (read(old).state.name, read(new).state.name) == ("Superseded", "Suspended")


def test_promotions_that_begin_to_wait_at_once_leave_one_that_waits(bench: Bench) -> None:
    release = bench.release(1)
    assert bench.promoted(release, "dev").state.is_completed()
    parameters = {"app": "hello", "digest": release.id, "environment": "prod"}
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name("promote/promote-prod")
        runs = [
            client.create_flow_run_from_deployment(found.id, parameters=parameters, state=Scheduled())
            for _ in range(3)
        ]
    threads = [threading.Thread(target=bench.work, args=(run.id,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read(run).state.name for run in runs) == ["Joined", "Joined", "Suspended"]


def test_a_promotion_that_is_superseded_while_its_answer_is_judged_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = approve(bench, waiting_in_prod(bench, bench.release(1)), "alice")
    before, judge = bench.subjects(), approval_gate.judge

    def overtaken(*args: Any) -> approval_gate.Judged:
        with get_client(sync_client=True) as client:
            superseded = State(type=StateType.CANCELLED, name="Superseded", message="by another")
            client.set_flow_run_state(run.id, superseded, force=True)
        return judge(*args)

    monkeypatch.setattr(approval_gate, "judge", overtaken)
    run = approve(bench, run, "bob")
    assert (run.state.type.value, run.state.name) == ("CANCELLED", "Superseded")
    assert bench.subjects() == before
    assert not [call for call in bench.calls if call.startswith("sync prod")]


@pytest.mark.parametrize("number", [1, 2])
def test_a_forged_run_that_seems_to_wait_takes_nobodys_place(bench: Bench, number: int) -> None:
    release, other = built(bench, 1, "10:00:00"), bench.release(number)
    if number == 2:
        bench.shelve(dataclasses.replace(other, built_at="2026-01-01T11:00:00+00:00"))
    with get_client(sync_client=True) as client:
        client.create_flow_run_from_deployment(
            client.read_deployment_by_name("promote/promote-prod").id,
            parameters={"app": "hello", "digest": other.id, "environment": "prod"},
            state=Paused(timeout_seconds=600),
            tags=["app:hello", "environment:prod"],
        )
    assert bench.promoted(release, "prod").state.name == "Suspended"


def test_a_forged_run_that_seems_to_wait_does_not_stop_a_promotion(bench: Bench) -> None:
    with get_client(sync_client=True) as client:
        client.create_flow_run_from_deployment(
            client.read_deployment_by_name("promote/promote-dev").id,
            parameters={"app": "hello", "digest": "../../etc", "environment": "dev"},
            state=Paused(timeout_seconds=600),
            tags=["app:hello", "environment:dev"],
        )
    assert bench.promoted(bench.release(1), "dev").state.is_completed()


def test_a_release_that_was_overtaken_before_its_turn_came_is_superseded(bench: Bench) -> None:
    old, new = bench.release(1), bench.release(2)
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name("promote/promote-dev")
        parameters = {"app": "hello", "digest": old.id, "environment": "dev"}
        run = client.create_flow_run_from_deployment(found.id, parameters=parameters, state=Scheduled())
    time.sleep(1.1)  # release.yaml tells whole seconds
    newer = bench.promoted(new, "dev")
    run = bench.work(run.id)
    assert (run.state.type.value, run.state.name) == ("CANCELLED", "Superseded")
    assert "was superseded by 0000000" in run.state.message
    assert str(newer.id) in run.state.message
    assert bench.state("dev").release.id == new.id


def queued(release: Release) -> FlowRun:
    """A promotion to dev as one starts it that comes before, which has not begun."""
    parameters = {"app": "hello", "digest": release.id, "environment": "dev"}
    with get_client(sync_client=True) as client:
        return client.create_flow_run_from_deployment(
            client.read_deployment_by_name("promote/promote-dev").id,
            parameters=parameters,
            state=Scheduled(),
            tags=["app:hello", "environment:dev"],
        )


def test_older_releases_whose_turn_has_not_come_end_with_the_newer_one(bench: Bench) -> None:
    first, second, newest = (bench.release(number) for number in (1, 2, 3))
    older = [queued(first), queued(second)]
    new = queued(newest)
    asked_later = queued(first)
    newer_still = queued(bench.release(4))
    assert bench.work(new.id).state.is_completed()
    for run in older:
        state = read(run).state
        assert (state.type.value, state.name) == ("CANCELLED", "Superseded")
        assert str(new.id) in state.message
    assert [read(run).state.name for run in (asked_later, newer_still)] == ["Scheduled", "Scheduled"]


def test_a_failed_verification_is_rolled_back_by_a_new_commit_and_quarantined(bench: Bench) -> None:
    good, bad = bench.release(1), bench.release(2)
    bench.promoted(good, "dev")
    bench.calls.clear()
    bench.verify_fails = [VerifyError("Deployment dev/hello: 0 of 1 ready")]
    run = bench.promoted(bad, "dev")
    assert run.state.is_failed()
    assert run.state.message.splitlines() == [
        "Deployment dev/hello: 0 of 1 ready",
        "dev was rolled back to hello 0000000.",
    ]
    restored = ["sync dev 1", "verify dev 1", "prune dev 1"]
    assert bench.calls[1:] == ["sync dev 2", "verify dev 2", *restored], "nothing is pruned for what failed"
    state = bench.state("dev")
    assert state is not None
    assert (state.release.id, state.rolls_back) == (good.id, bad.id)
    assert f"Towpath-Rolls-Back: {bad.id}" in bench.message()
    assert bad.id in git(bench.environments, "show", "main:apps/hello/quarantine.yaml")
    assert bench.successor(run, "prod") is None
    again = bench.promoted(bad, "dev")
    assert "is quarantined since" in again.state.message


def test_what_cannot_be_deleted_rolls_nothing_back_and_stops_no_delivery(bench: Bench) -> None:
    release = bench.release(1)
    bench.prune_fails = [SyncError("ConfigMap dev/old: forbidden")]
    run = bench.promoted(release, "dev")
    assert run.state.is_failed()
    assert "not all that left Git is deleted: ConfigMap dev/old: forbidden" in run.state.message
    assert "The next reconcile goes on with it." in run.state.message
    state = bench.state("dev")
    assert state is not None
    assert (state.release.id, state.verified_at is not None) == (release.id, True)
    assert bench.successor(run, "prod") is not None


def test_a_first_release_that_fails_is_quarantined_and_stays_to_be_looked_at(bench: Bench) -> None:
    bench.verify_fails = [VerifyError("never ready")]
    run = bench.promoted(bench.release(1), "dev")
    assert "There is no earlier verified release" in run.state.message
    assert bench.subjects()[0].startswith("Quarantine hello")


def test_hold_leaves_the_failed_release_where_it_is(bench: Bench) -> None:
    held = TOWPATH.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev, onFailure: hold}")
    bench.push("environments", {"towpath.yaml": held}, "Hold")
    bench.promoted(bench.release(1), "dev")
    bench.verify_fails = [VerifyError("never ready")]
    assert bench.promoted(bench.release(2), "dev").state.message == "never ready"
    assert "prune dev 2" not in bench.calls
    assert bench.subjects()[0] == "Promote hello 0000000 to dev"


def test_an_outage_is_tried_again_and_is_no_reason_to_roll_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.cluster import sync

    monkeypatch.setattr(sync, "retry_delay_seconds", [0.0])
    bench.sync_fails = [TransientError("API server away")]
    assert bench.promoted(bench.release(1), "dev").state.is_completed()
    bench.sync_fails = [TransientError("API server away") for _ in range(sync.retries + 1)]
    run = bench.promoted(bench.release(2), "dev")
    assert re.fullmatch(r"goes on at \d\d:\d\d:\d\d UTC: API server away", run.state.message)
    assert bench.subjects()[0] == "Promote hello 0000000 to dev"
    before = len(bench.subjects())
    assert bench.again(run).state.message == "dev runs hello 0000000, verified"
    assert len(bench.subjects()) == before + 1, "that it is verified"
    assert bench.successor(run, "prod") is not None


def test_an_outage_without_end_fails_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.cluster import sync

    monkeypatch.setattr(sync, "retry_delay_seconds", [0.0])
    monkeypatch.setattr(step, "MOST_OUTAGES", 2)
    bench.sync_fails = [TransientError("API server away") for _ in range(3 * (sync.retries + 1))]
    run = bench.again(bench.again(bench.promoted(bench.release(1), "dev")))
    assert (run.state.is_failed(), run.state.message) == (True, "API server away")


def test_an_outage_that_goes_on_in_the_next_attempt_does_not_end_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.cluster import sync

    monkeypatch.setattr(sync, "retry_delay_seconds", [0.0])
    bench.sync_fails = [TransientError("API server away") for _ in range(sync.retries + 1)]
    run = bench.promoted(bench.release(1), "dev")
    with monkeypatch.context() as away:
        away.setattr(promoting, "plan", no_git)
        run = bench.again(run)
    assert run.state.message.endswith(" UTC: Git does not answer")
    assert bench.again(run).state.message == "dev runs hello 0000000, verified"


def test_an_outage_before_anything_has_begun_fails_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promoting, "plan", no_git)
    run = bench.promoted(bench.release(1), "dev")
    assert (run.state.is_failed(), run.state.message) == (True, "Git does not answer")


def test_an_agent_that_its_cluster_knows_no_more_rolls_nothing_back(bench: Bench) -> None:
    """Its pod was deleted by force while it verified: the next agent goes on."""
    assert bench.promoted(bench.release(1), "dev").state.is_completed()
    bench.verify_fails = [ApiRefusedError("list Pod", status=401, reason="Unauthorized")]
    run = bench.promoted(bench.release(2), "dev")
    assert run.state.message == "list Pod: Unauthorized"
    assert bench.subjects()[0] == "Promote hello 0000000 to dev"
    assert bench.state("dev").release.id == bench.release(2).id


def test_a_run_that_was_killed_after_its_commit_finds_it_and_does_the_rest(bench: Bench) -> None:
    class Killed(BaseException):
        pass

    bench.sync_fails = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        bench.promoted(bench.release(1), "dev")
    assert bench.subjects()[0] == "Promote hello 0000000 to dev"
    assert bench.promoted(bench.release(1), "dev").state.is_completed()
    assert bench.subjects().count("Promote hello 0000000 to dev") == 1
    assert bench.state("dev").verified_at <= datetime.now(UTC).isoformat()


def test_the_approval_form_shows_no_secret(bench: Bench) -> None:
    release = dataclasses.replace(bench.release(1), subject=f"Use ghp_{'a1' * 15}")
    shown = plan_markdown(release, "prod", "password: canary-1")
    assert "`Use ***` by " in shown
    assert "canary-1" not in shown
