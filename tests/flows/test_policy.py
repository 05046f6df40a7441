"""Where owners protect the policy, a promotion is judged by what they signed, whatever the files say."""

from tests.flows.approvals import waiting_in_prod
from tests.flows.bench import TOWPATH, Bench, git
from tests.flows.test_promote import question
from towpath.adapters.evidence.key_changes import trust_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.config import parse_config
from towpath.config.protected import protected_part
from towpath.engine.policy.signing import sign_policy
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY

OWNER = PrivateKey.generate()


def sign(bench: Bench, text: str) -> dict[str, str]:
    """What `towpath policy sign` writes for a repository with this towpath.yaml."""
    keys = KeyFolder(bench.folder / "keys")
    policy, base = protected_part(parse_config(text), {}, {}), git(bench.environments, "rev-parse", "main")
    return sign_policy(policy, base.strip(), keys.trusted_file, lambda told: sign_text(told, POLICY, OWNER))


def test_without_a_baseline_nothing_goes_in_and_what_is_not_signed_lets_nothing_in(bench: Bench) -> None:
    trust_key(KeyFolder(bench.folder / "keys"), "olga", OWNER.public, (POLICY,))
    release = bench.release(1)
    run = bench.promoted(release, "dev")
    assert run.state.is_failed()
    assert "the policy is protected, and no owner has signed one yet" in run.state.message
    assert "towpath policy sign" in run.state.message
    bench.push("environments", sign(bench, TOWPATH), "Sign the policy")
    looser = TOWPATH.replace("required: 2", "required: 0")
    assert looser != TOWPATH
    bench.push("environments", {"towpath.yaml": looser}, "Nobody need approve")
    run = waiting_in_prod(bench, release)
    assert "Awaited: 2 of " in question(run)
    bench.push("environments", sign(bench, looser), "Sign the looser policy")
    assert bench.promoted(bench.release(2), "dev").state.is_completed()
    assert bench.promoted(bench.release(2), "prod").state.is_completed()
