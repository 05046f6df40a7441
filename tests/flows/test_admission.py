"""What an owner lets in, what a failed promotion goes back to, and what of a merge the agent signs."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.flows.bench import Bench, git
from tests.flows.test_proof import HELLO, by_hand
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder, read_trusted_keys
from towpath.adapters.git import verify_commits
from towpath.drift.model import DriftEntry, DriftReport
from towpath.engine.policy.signing import signed_folder
from towpath.errors import VerifyError
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY
from towpath.gates.override import LIFETIME, OverrideStatement, encode_override, join_signed
from towpath.orchestration import keys
from towpath.release.model import ScanSummary


def test_an_owner_s_word_takes_a_release_to_prod_without_people_and_is_told(bench: Bench) -> None:
    release, now = bench.release(1), datetime.now(UTC).replace(microsecond=0)
    folder = KeyFolder(bench.folder / "keys")
    make_key(folder, "olga", (POLICY,))
    bench.push("environments", {"README.md": "x"}, "Fetch")
    work, key = bench.folder / "work-environments", bench.key("olga")
    policy = signed_folder(work, folder.trusted_file, lambda content: sign_text(content, POLICY, key))
    bench.push("environments", policy, "Sign the policy")
    times = (now.isoformat(), (now + LIFETIME).isoformat())
    said = encode_override(
        OverrideStatement("hello", "prod", release.id, "gate", "olga", "prod is down", *times)
    )
    override = join_signed(said, sign_text(said, POLICY, bench.key("olga")))
    parameters = {"app": "hello", "digest": release.id, "environment": "prod", "override": override}
    run = bench.start("promote/promote-prod", **parameters)
    assert run.state.is_completed(), run.state.message
    assert keys.BREAK_GLASS in run.tags
    assert bench.subjects()[:2] == [
        "Verified hello 0000000 in prod",
        "Promote hello 0000000 to prod, overriding the gate",
    ]
    state = bench.state("prod")
    assert state
    assert state.override
    assert (state.override.by, state.override.reason, state.approved_by) == ("olga", "prod is down", ())
    again = bench.start("promote/promote-prod", **parameters)
    assert "olga's override was used before, by run" in again.state.message


def test_a_failed_release_goes_back_although_today_s_policy_refuses_the_one_before(bench: Bench) -> None:
    assert bench.promoted(bench.release(1), "dev").state.is_completed()
    bench.push("environments", {"README.md": "x"}, "Fetch")
    config = (bench.folder / "work-environments" / "towpath.yaml").read_text()
    bench.push("environments", {"towpath.yaml": config.replace("[secret]", "[secret, vuln]")}, "Stricter")
    second = bench.shelve(replace(bench.release(2), scan=ScanSummary("passed", ("secret", "vuln"))))
    bench.verify_fails.append(VerifyError("never ready"))
    run = bench.promoted(second, "dev")
    assert "dev was rolled back to hello 0000000." in run.state.message
    assert "was not scanned for vuln" in run.state.message
    assert bench.subjects()[0] == "Roll back hello in dev to 0000000 automatically"
    assert "Towpath-Waived: hello 0000000 was not scanned for vuln" in bench.message()


def test_a_merged_release_that_was_let_in_is_signed_when_it_is_verified(bench: Bench) -> None:
    by_hand(bench, bench.release(1), "dev")
    base = git(bench.environments, "rev-parse", "main")
    bench.drift = lambda _: DriftReport("dev", "", (DriftEntry("hello", HELLO, "unapplied"),))
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_completed(), run.state.message
    assert bench.subjects()[0] == "Verified hello 0000000 in dev"
    trusted = read_trusted_keys(bench.folder / "keys" / "allowed_signers")
    head = git(bench.environments, "rev-parse", "main")
    assert [v.principal for v in verify_commits(bench.environments, base, head, trusted, ("dev",))] == ["dev"]
    state = bench.state("dev")
    assert state
    assert state.approved_by == (), "a person wrote that alice and bob have approved"
    bench.bundles.clear()
    again = bench.start("reconcile/reconcile-dev", environment="dev")
    assert again.state.is_completed(), "it is the agent's own word by now"
    assert len(bench.subjects()) == len(git(bench.environments, "log", "--format=%s", head).splitlines())
