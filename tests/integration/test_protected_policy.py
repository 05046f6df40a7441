"""A reconcile under a policy that owners protect: held without a baseline, then only what is not signed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from towpath.adapters.evidence.key_changes import trust_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.engine.policy.signing import signed_folder
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY

pytestmark = pytest.mark.integration
OWNER = PrivateKey.generate()


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    with a_fleet(stack.settings, tmp_path) as fleet:
        keys = KeyFolder(tmp_path / "keys")
        trust_key(keys, "olga", OWNER.public, (POLICY,))
        fleet.settings = replace(fleet.settings, trusted_keys=keys.trusted_file)
        for name in ("one", "two"):
            fleet.add(name)
        yield fleet


def sign(fleet: Fleet) -> None:
    """As `towpath policy sign --repo`, and a push."""
    work = fleet.folder / "work"
    fleet.git(work, "fetch", "-q", "origin")
    trusted = fleet.settings.trusted_keys
    for name, text in signed_folder(work, trusted, lambda told: sign_text(told, POLICY, OWNER)).items():
        (work / name).write_text(text)
    fleet.git(work, "add", "-A")
    fleet.git(work, "commit", "-q", "-m", "Sign the policy")
    fleet.git(work, "push", "-q", "origin", "main")


def test_nothing_is_applied_before_the_baseline_and_after_it_only_what_is_not_signed_is_held(
    fleet: Fleet,
) -> None:
    fleet.push()
    done = fleet.reconcile()
    assert done.outcomes == ()
    assert "held: the policy is not signed" in done.summary()
    assert "towpath policy sign" in done.failures["held"]
    assert fleet.resource_versions() == {}
    sign(fleet)
    done = fleet.reconcile()
    assert done.failures == {}
    assert sorted(each.app for each in done.outcomes if each.changed) == ["one", "two"]
    fleet.add("three")  # without a source, as the others, but nobody has signed that
    fleet.apps["one"][2]["data"]["A"] = "2"
    fleet.push()
    done = fleet.reconcile()
    assert [each.app for each in done.outcomes if each.changed] == ["one"]
    assert list(done.failures) == ["three"]
    assert "has no `source`" in done.failures["three"]
    assert "1 change of the policy not in force, not signed" in done.summary()
    sign(fleet)
    done = fleet.reconcile()
    assert (done.failures, done.plan.policy_notes) == ({}, ())
    assert [each.app for each in done.outcomes if each.changed] == ["three"]
