"""What others write proves nothing: records, statements, trailers, times. Agents sign what they did."""

from dataclasses import replace

import pytest

from tests.flows.approvals import approve, waiting_in_prod
from tests.flows.bench import Bench, git
from tests.keys import evidence_of
from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.git import verify_commits
from towpath.drift.model import DriftEntry, DriftReport
from towpath.evidence.signing import sign_release
from towpath.formats.versions import V2
from towpath.objects import ObjectRef
from towpath.release.commit_message import PromotionIntent, promotion_message
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.release_file import dump_release_file, release_path
from towpath.settings import TRUSTED_KEYS

HELLO = ObjectRef("apps", "Deployment", "prod", "hello")


def by_hand(bench: Bench, release: Release, environment: str) -> None:
    """A person's commit with everything that a promotion writes, as verified."""
    intent = PromotionIntent(release, environment, "dev", ("alice", "bob"), "run-1", "towpath")
    state = EnvironmentRelease(
        release, "2026-01-01T00:00:00+00:00", "towpath", "dev", ("alice", "bob"), "run-1",
        verified_at="2026-01-02T00:00:00+00:00",
    )  # fmt: skip
    folder = f"apps/hello/{environment}"
    bench.push("environments", {"README.md": release.id}, "Fetch")
    manifest = (bench.folder / "work-environments" / folder / "deployment.yaml").read_text()
    before = manifest.partition("@")[2].split()[0]
    files = {
        release_path("hello", environment): dump_release_file(state, V2),
        f"{folder}/deployment.yaml": manifest.replace(before, release.id),
    }
    bench.push("environments", files, promotion_message(intent))


def test_a_record_without_evidence_that_holds_is_not_promoted(bench: Bench) -> None:
    release = bench.release(1)
    other = sign_release(evidence_of(release), bench.key("prod"))
    for bundles in ([], [b"junk"], [other], [sign_release(evidence_of(release), bench.key("dev"))]):
        bench.bundles[release.id] = bundles
        run = bench.promoted(release, "dev")
        assert run.state.is_failed()
        assert "release evidence" in run.state.message
    assert bench.calls == []
    assert bench.subjects() == ["Begin"]


def test_evidence_about_another_app_or_image_is_not_promoted(bench: Bench) -> None:
    release, other = bench.release(1), bench.release(2)
    key = bench.key("build")
    for wrong in (replace(release, app="shop"), replace(release, images=other.images)):
        bench.bundles[release.id] = [sign_release(evidence_of(wrong), key)]
        run = bench.promoted(release, "dev")
        assert "the evidence is about " in run.state.message
    assert bench.subjects() == ["Begin"]


def test_what_the_record_says_beside_the_evidence_is_not_used(bench: Bench) -> None:
    release = bench.release(1)
    bench.releases[release.id] = replace(release, commit="9" * 40, subject="Harmless", author="No <n@x>")
    assert bench.promoted(release, "dev").state.is_completed()
    state = bench.state("dev")
    assert state is not None
    assert (state.release.commit, state.release.subject) == (release.commit, "Version 1")


def test_without_trusted_keys_nothing_is_promoted_and_what_to_do_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TRUSTED_KEYS)
    run = bench.promoted(bench.release(1), "dev")
    assert "no trusted keys are configured" in run.state.message
    assert TRUSTED_KEYS in run.state.message
    assert bench.subjects() == ["Begin"]


def test_each_commit_of_an_agent_is_signed_by_that_agent(bench: Bench) -> None:
    base = git(bench.environments, "rev-parse", "main")
    bench.promoted(bench.release(1), "dev")
    bench.promoted(bench.release(2), "dev")
    bench.start("rollback/rollback-dev", app="hello", environment="dev")
    head = git(bench.environments, "rev-parse", "main")
    trusted = read_trusted_keys(bench.folder / "keys" / "allowed_signers")
    verdicts = verify_commits(bench.environments, base, head, trusted, ("dev",))
    assert [each.principal for each in verdicts] == ["dev"] * 5
    assert not any(
        each.trusted for each in verify_commits(bench.environments, base, head, trusted, ("prod",))
    )


def test_trailers_and_times_written_by_hand_let_nothing_in(bench: Bench) -> None:
    release = bench.release(1)
    assert bench.promoted(release, "dev").state.is_completed()
    by_hand(bench, release, "prod")
    bench.drift = lambda _: DriftReport("prod", "", (DriftEntry("hello", HELLO, "unapplied"),))
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-prod", environment="prod")
    assert run.state.is_failed()
    assert "prod holds hello: no promotion brought hello 0000000 here" in run.state.message
    assert "2 approvals are missing" in run.state.message
    assert not [call for call in bench.calls if call.startswith("sync")]


def test_that_it_was_verified_in_the_environment_before_is_not_believed_when_written_by_hand(
    bench: Bench,
) -> None:
    release = bench.release(1)
    by_hand(bench, release, "dev")
    run = bench.promoted(release, "prod")
    assert run.state.is_failed()
    assert "must be verified in dev first" in run.state.message
    assert bench.promoted(release, "dev").state.is_completed()
    assert bench.subjects()[:2] == ["Verified hello 0000000 in dev", "Promote hello 0000000 to dev"]
    assert bench.promoted(release, "prod").state.name == "Suspended"


def test_a_rollback_restores_nothing_that_was_only_written_by_hand(bench: Bench) -> None:
    bench.promoted(bench.release(1), "dev")
    planted = bench.release(2)
    by_hand(bench, planted, "dev")
    bench.promoted(bench.release(3), "dev")
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev", to=planted.id)
    assert "no commit that the agent of dev has signed says that hello 0000000 was" in run.state.message
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert run.state.is_completed(), run.state.message
    state = bench.state("dev")
    assert state is not None
    assert state.release.id == bench.release(1).id


def test_who_wrote_a_release_between_two_promotions_cannot_approve_the_second(bench: Bench) -> None:
    first = bench.release(1)
    second = bench.shelve(bench.release(2), previous=first.id, authors=("Alice <alice@example.com>",))
    third = bench.shelve(bench.release(3), previous=second.id, authors=("Eve <eve@example.com>",))
    run = approve(bench, approve(bench, waiting_in_prod(bench, first), "alice"), "bob")
    assert run.state.is_completed(), run.state.message
    run = approve(bench, waiting_in_prod(bench, third), "alice")
    assert run.state.name == "Suspended", run.state.message
    run = approve(bench, approve(bench, run, "bob"), "carol")
    assert run.state.is_completed(), run.state.message
