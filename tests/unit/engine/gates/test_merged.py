"""A release that a person merged passes the same gate, where it takes effect; what came by promotion does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.git.repositories import run
from tests.unit.engine.gates.bench import CONFIG, Bench
from tests.unit.engine.source.promotions import release
from towpath.adapters.evidence import release_evidence
from towpath.adapters.evidence.referrers import FoundBundles
from towpath.drift.decision import DriftPolicy, decide_app
from towpath.drift.model import DriftEntry, DriftReport
from towpath.engine.gates import merged
from towpath.engine.gates.merged import recent_commits, require_admitted
from towpath.engine.reconcile import adopt
from towpath.engine.reconcile.adopt import Adoption
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.held import held_apps
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.source import history
from towpath.engine.source.render import Rendered
from towpath.errors import EvidenceError, MissingPartError, RefusedError, TransientError
from towpath.objects import ObjectRef
from towpath.release.model import ScanSummary
from towpath.release.release_file import release_path
from towpath.settings import Settings


def refused(bench: Bench, environment: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as caught:
        bench.check(environment)
    assert f"{environment} holds hello: " in caught.value.message
    assert f"towpath promote hello --to {environment}" in (caught.value.remedy or "")


def test_what_a_promotion_or_rollback_brought_needs_neither_registry_nor_cluster(bench: Bench) -> None:
    bench.bundles.clear()
    bench.git.promote(1, "prod", verified=True)
    bench.check("prod")
    bench.git.promote(2, "prod", verified=False)
    bench.check("prod")
    bench.git.promote(1, "prod", verified=True, back_from=2)
    bench.check("prod")


def test_a_merged_release_passes_the_gate_where_nothing_else_is_asked(bench: Bench) -> None:
    bench.name(1, "dev")
    bench.check("dev")


def test_a_merged_release_without_a_record_is_held(bench: Bench) -> None:
    bench.bundles.clear()
    bench.name(1, "dev")
    refused(bench, "dev", "no promotion brought hello 1111111 here.* there is no release evidence for hello")


def test_a_merged_release_that_says_another_commit_than_its_record_is_held(bench: Bench) -> None:
    bench.name(1, "dev", commit="9" * 40)
    refused(bench, "dev", "its evidence have another commit")


def test_a_merged_release_that_was_not_scanned_as_asked_is_held(bench: Bench) -> None:
    bench.config(CONFIG.replace("[secret]", "[secret, vuln]"))
    bench.name(1, "dev")
    refused(bench, "dev", "was not scanned for vuln")


def test_a_merged_release_is_held_for_the_environment_before_and_for_approvals(bench: Bench) -> None:
    bench.name(1, "prod")
    refused(bench, "prod", "must be verified in dev first.*; 2 approvals are missing")


def test_a_release_of_another_environment_copied_with_its_file_is_held(bench: Bench) -> None:
    bench.git.promote(1, "dev", verified=True)
    text = (bench.git.checkout().path / release_path("hello", "dev")).read_text()
    bench.merge({release_path("hello", "prod"): text})
    refused(bench, "prod", "2 approvals are missing")


def test_a_merged_quarantined_release_is_held(bench: Bench) -> None:
    bench.quarantine(1)
    bench.name(1, "dev")
    refused(bench, "dev", "hello 1111111 is quarantined since 2026-01-03T00:00:00Z: never ready")


def test_a_quarantined_release_that_was_never_verified_here_is_held(bench: Bench) -> None:
    bench.git.promote(1, "dev", verified=False)
    bench.quarantine(1)
    refused(bench, "dev", "is quarantined")


def test_a_release_verified_here_before_its_quarantine_elsewhere_may_be_rebuilt(bench: Bench) -> None:
    bench.git.promote(1, "dev", verified=True)
    bench.quarantine(1)
    bench.check("dev")


def test_a_person_may_revert_to_what_a_promotion_brought_before(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=("alice", "bob"))
    text = (bench.git.checkout().path / release_path("hello", "prod")).read_text()
    bench.git.promote(2, "prod", verified=False)
    bench.merge({release_path("hello", "prod"): text})
    bench.check("prod")


def test_an_environment_that_asks_nothing_takes_any_release_but_a_quarantined_one(bench: Bench) -> None:
    bench.bundles.clear()
    bench.config(CONFIG.replace("[secret]", "[]").replace(", source: {repository: ../hello.git}", ""))
    bench.name(1, "dev")
    bench.check("dev")
    bench.quarantine(1)
    refused(bench, "dev", "is quarantined")


def test_an_app_that_is_not_built_here_has_no_record_and_no_scan_but_passes_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(release_evidence, "read_bundles")
    bench.config(CONFIG.replace(", source: {repository: ../hello.git}", "").replace("[secret]", "[vuln]"))
    bench.name(1, "dev")
    bench.check("dev")
    bench.name(1, "prod")
    refused(bench, "prod", "2 approvals are missing")


def test_a_registry_that_does_not_answer_is_no_verdict(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_image: str, _digest: str, _type: str) -> FoundBundles:
        raise TransientError("registry away")

    monkeypatch.setattr(release_evidence, "read_bundles", away)
    bench.name(1, "dev")
    with pytest.raises(TransientError, match="registry away"):
        bench.check("dev")


def test_an_app_without_a_release_is_nobodys_business(bench: Bench) -> None:
    bench.check("dev")


def test_of_many_apps_the_history_is_read_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    more = CONFIG.replace(
        "apps: {", "apps: {other: {image: 127.0.0.1:5000/o, source: {repository: ../o.git}}, "
    )
    bench.config(more)
    bench.git.promote(1, "prod", verified=True)
    context = bench.context("prod")
    recent = recent_commits(context.in_git, ["hello", "other"])
    assert recent["other"] == []
    assert recent_commits(context.in_git, ["hello"]) == {}
    monkeypatch.delattr(history, "file_history")
    require_admitted(context.in_git, "hello", recent["hello"])


def test_what_the_newest_commits_do_not_tell_is_looked_up(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=True)
    require_admitted(bench.context("prod").in_git, "hello", [])


def test_where_any_release_may_come_in_no_history_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.config(CONFIG.replace(", source: {repository: ../hello.git}", ""))
    bench.name(1, "dev")
    monkeypatch.delattr(merged, "signed_commits")
    bench.check("dev")
    assert recent_commits(bench.context("dev").in_git, ["hello"]) == {}


def held(bench: Bench, environment: str, *kinds: str) -> dict[str, str]:
    """What `towpath drift` says that a reconcile would refuse, where these kinds of drift were found."""
    context = bench.context(environment)
    entries = tuple(DriftEntry("hello", ObjectRef("", "ConfigMap", environment, "a"), kind) for kind in kinds)
    drift = DriftReport(environment, "", entries)
    rendered = Rendered("hello", environment, environment, (), "")
    decision = decide_app("hello", entries, DriftPolicy())
    inspection = Inspection(drift)
    return held_apps(ReconcilePlan(context, (rendered,), {}, {}, inspection, (decision,), whole=True))


def test_what_the_gate_holds_is_told_with_its_reason_before_any_reconcile(bench: Bench) -> None:
    bench.name(1, "dev")
    assert held(bench, "dev", "unapplied") == {}
    bench.name(1, "prod")
    assert "2 approvals are missing" in held(bench, "prod", "unapplied")["hello"]
    assert "2 approvals are missing" in held(bench, "prod", "modified", "unapplied")["hello"]
    assert held(bench, "prod") == {}, "nothing is to be done"
    bench.name(1, "dev", commit="9" * 40)
    assert "have another commit" in held(bench, "dev", "unapplied")["hello"]
    bench.name(1, "dev")
    bench.quarantine(1)
    assert "is quarantined since" in held(bench, "dev", "deleted")["hello"]


def test_a_gate_that_cannot_be_asked_holds(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.name(1, "dev")

    def away(*_: object) -> None:
        raise TransientError("the registry does not answer")

    monkeypatch.setattr(release_evidence, "read_bundles", away)
    assert held(bench, "dev", "unapplied") == {"hello": "the registry does not answer"}


@pytest.mark.parametrize("signer", ["", "dev", "build"])
def test_a_commit_with_all_trailers_but_not_signed_by_this_environments_agent_is_no_promotion(
    bench: Bench, signer: str
) -> None:
    bench.git.promote(1, "prod", verified=True, signer=signer)
    refused(bench, "prod", "no promotion brought hello 1111111 here.*; 2 approvals are missing")


def test_a_signed_promotion_before_proves_no_other_release_that_is_named_after_it(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=True)
    bench.git.promote(2, "prod", verified=True, signer="")
    refused(bench, "prod", "no promotion brought hello 2222222 here")


def test_that_it_was_verified_before_is_proven_by_a_signed_commit_of_that_environment(bench: Bench) -> None:
    bench.config(CONFIG.replace("gate: {approvals: {required: 2, from: [alice, bob]}}", "drift: report"))
    bench.git.promote(1, "dev", verified=True, signer="")
    bench.name(1, "prod")
    refused(bench, "prod", "must be verified in dev first; it is there, but not verified yet")
    bench.git.promote(2, "dev", verified=True, signer="prod")
    bench.name(2, "prod")
    refused(bench, "prod", "must be verified in dev first; it is there, but not verified yet")
    bench.git.promote(1, "dev", verified=True)
    bench.name(1, "prod")
    bench.check("prod")


def test_a_hand_written_time_of_verification_lets_no_quarantined_release_in(bench: Bench) -> None:
    bench.git.promote(1, "dev", verified=False)
    bench.quarantine(1)
    bench.name(1, "dev")
    refused(bench, "dev", "is quarantined")


@pytest.mark.parametrize(
    ("signer", "change", "why"),
    [
        ("prod", {}, "none of the 1 keys that are trusted for this"),
        ("build", {"app": "shop"}, "is about app 'shop', not 'hello'"),
        ("build", {"images": release(2).images}, "is about sha256:2"),
        ("build", {"scan": ScanSummary("blocked", ("secret",))}, "is blocked by its scan"),
        ("build", {"scan": ScanSummary("not-scanned")}, "was not scanned"),
        ("build", {"scan": ScanSummary("passed", ("vuln",))}, "was not scanned for secret"),
        (
            "build",
            {"scan": ScanSummary("passed", ("secret",), findings={"private-key": "CRITICAL"})},
            "would be blocked by today's scan policy: CRITICAL private-key",
        ),
    ],
)
def test_evidence_that_is_false_or_says_no_holds_the_release(
    bench: Bench, signer: str, change: dict[str, Any], why: str
) -> None:
    bench.bundles[release(1).id] = [bench.signed(replace(release(1), **change), signer)]
    bench.name(1, "dev")
    refused(bench, "dev", why)


def test_without_trusted_keys_nothing_is_taken_and_what_to_do_is_told(bench: Bench) -> None:
    bench.git.promote(1, "dev", verified=True)
    context = replace(bench.context("dev"), trusted_keys=None)
    with pytest.raises(MissingPartError, match="no trusted keys are configured") as caught:
        require_admitted(context.in_git, "hello")
    assert "TOWPATH_TRUSTED_KEYS" in str(caught.value)


def test_what_was_verified_here_comes_back_by_a_commit_only_if_it_is_proven_today(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=("alice", "bob"))
    text = (bench.git.checkout().path / release_path("hello", "prod")).read_text()
    bench.git.promote(2, "prod", verified=True)
    bench.merge({release_path("hello", "prod"): text})
    bench.check("prod")
    bench.config(CONFIG.replace("[secret]", "[secret, vuln]"))
    refused(bench, "prod", "was not scanned for vuln")


def test_what_was_never_verified_here_passes_the_gate_anew_when_a_commit_brings_it_back(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=False)
    text = (bench.git.checkout().path / release_path("hello", "prod")).read_text()
    bench.git.promote(2, "prod", verified=True)
    bench.merge({release_path("hello", "prod"): text})
    refused(bench, "prod", "must be verified in dev first.*; 2 approvals are missing")


def test_what_comes_back_by_a_commit_had_the_approvals_that_are_asked_for_today(bench: Bench) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=("alice", "alice"))
    text = (bench.git.checkout().path / release_path("hello", "prod")).read_text()
    bench.git.promote(2, "prod", verified=True)
    bench.merge({release_path("hello", "prod"): text})
    refused(bench, "prod", "prod asks for 2 approvals, and hello 1111111 had 1 when it came in")


def test_a_merge_that_keeps_an_old_side_s_file_brings_nothing_back_unasked(
    bench: Bench, tmp_path: Path
) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=("alice", "bob"))
    old = bench.git.checkout().commit
    bench.git.promote(2, "prod", verified=True)
    work = tmp_path / "merge"
    run("clone", "-q", bench.git.url, str(work), cwd=tmp_path)
    run("checkout", "-q", old, cwd=work)
    run("merge", "-q", "-s", "ours", "-m", "Merge", "origin/main", cwd=work)
    run("push", "-q", "origin", "HEAD:main", cwd=work)
    bench.check("prod")
    bench.bundles.clear()
    refused(bench, "prod", "there is no release evidence for hello")


def test_the_agents_newest_commit_counts_also_after_one_of_a_person_that_keeps_the_release(
    bench: Bench,
) -> None:
    bench.git.promote(1, "prod", verified=True)
    path = release_path("hello", "prod")
    bench.merge({path: (bench.git.checkout().path / path).read_text() + "# a remark\n"})
    bench.bundles.clear()
    bench.check("prod")


def test_none_of_those_who_wrote_what_is_new_approves_it(bench: Bench) -> None:
    bench.bundles[release(2).id] = [
        bench.signed(release(2), previous=release(1).id, authors=("Bob <bob@example.com>",))
    ]
    authors = bench.promotion("prod", release(2).id).facts.authors
    assert authors == ("Ann <ann@example.com>", "Bob <bob@example.com>")
    bench.git.promote(1, "prod", verified=True)
    assert bench.promotion("prod", release(2).id).facts.authors == ("Bob <bob@example.com>",)


def test_a_release_between_whose_evidence_is_gone_leaves_its_authors_unknown(bench: Bench) -> None:
    gone = f"sha256:{9:064x}"
    bench.bundles[release(2).id] = [bench.signed(release(2), previous=gone)]
    with pytest.raises(EvidenceError, match="there is no release evidence for hello"):
        bench.promotion("prod", release(2).id)
    assert bench.promotion("dev", release(2).id).verdict.open


def test_nothing_of_a_release_that_may_not_come_in_is_proposed_for_adoption(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def adopt_app(*given: Any, **_: object) -> Adoption:
        asked.append(given[3].app)
        return Adoption(given[3].app, {})

    monkeypatch.setattr(adopt, "adopt_app", adopt_app)
    settings = Settings.load({"HOME": str(bench.git.cache.parent)})
    rendered = Rendered("hello", "prod", "prod", (), "")
    decision = decide_app("hello", (), DriftPolicy("adopt"))
    bench.name(1, "prod")
    held = adopt.propose_app(settings, bench.context("prod"), rendered, decision, "run")
    assert "prod holds hello: no promotion brought hello 1111111 here" in held.failure
    assert asked == []
    bench.git.promote(2, "prod", verified=True)
    proposed = adopt.propose_app(settings, bench.context("prod"), rendered, decision, "run")
    assert (proposed.failure, asked) == ("", ["hello"])
