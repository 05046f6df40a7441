"""The admission on a real registry and real signed commits: what a rollback restores, and what is signed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.test_proven_releases import CONFIG, ProvenWorld, address, place  # noqa: F401 - fixtures
from tests.own_image import OwnImage
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import read_private_key
from towpath.adapters.git import read_commit
from towpath.engine.gates.admission import Entry, admit
from towpath.engine.gates.chain import release_chain
from towpath.engine.gates.merged import require_admitted
from towpath.engine.gates.rollback import overridden, restore_failed, restore_release
from towpath.engine.source.commits import Committer, commit_merged, commit_promotion
from towpath.errors import RefusedError
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY
from towpath.formats.versions import V2
from towpath.gates.override import LIFETIME, OverrideStatement, encode_override, join_signed
from towpath.release.model import Release, one_image
from towpath.release.quarantine import QuarantineEntry, dump_quarantine, quarantine_path

pytestmark = pytest.mark.integration
VERIFIED = "2026-01-02T00:00:00Z"


def two_releases(place: ProvenWorld) -> tuple[Release, Release]:  # noqa: F811
    """Both are built and signed by the build agent."""
    first, second = place.release(), OwnImage(place.image.name)
    images = one_image("hello", second.name, second.push({"created": "x"}))
    later = replace(first, images=images, commit="2" * 40)
    for each in (first, later):
        place.sign(each)
    return first, later


def owners_word(place: ProvenWorld, known: Release, waives: Any) -> str:  # noqa: F811
    make_key(place.git.keys, "olga", (POLICY,))
    now = datetime.now(UTC).replace(microsecond=0)
    content = encode_override(
        OverrideStatement(
            "hello", "prod", known.id, waives, "olga", "INC-42", now.isoformat(), (now + LIFETIME).isoformat()
        )
    )
    key = read_private_key(place.git.keys.private_file("olga"))
    return join_signed(content, sign_text(content, POLICY, key))


def quarantine(place: ProvenWorld, known: Release) -> None:  # noqa: F811
    bad = QuarantineEntry(known.id, "never ready", VERIFIED)
    files = {quarantine_path("hello"): dump_quarantine([bad], V2)}
    place.git.write(files, f"Quarantine\n\nQuarantined: {known.id}\n", ("Quarantined", known.id))


def by(place: ProvenWorld, agent: str = "prod") -> Committer:  # noqa: F811
    return Committer(place.settings(agent), "run-1", "ann")


def message(place: ProvenWorld) -> str:  # noqa: F811
    return read_commit(place.repo.checkout).message


def test_a_rollback_restores_no_quarantined_release_but_by_an_owners_word(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "prod", signer="prod", verified_at=VERIFIED)
    place.name(second, "prod", signer="prod", verified_at=VERIFIED)
    quarantine(place, first)
    with pytest.raises(RefusedError, match="does not take hello 1111111 back: hello 1111111 is quarantined"):
        restore_release(by(place), place.repo, "hello", "prod", first.id)
    said = owners_word(place, first, "quarantine")
    done = restore_release(by(place), place.repo, "hello", "prod", first.id, override=said)
    state = done.repo.release("hello", "prod")
    assert state
    assert state.override
    assert (state.release.id, state.override.by, state.override.waives) == (first.id, "olga", "quarantine")
    assert message(place).startswith("Roll back hello in prod to 1111111, overriding the quarantine\n")


def test_a_rollback_restores_nothing_that_was_never_approved(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "prod", signer="prod", verified_at=VERIFIED, approved_by=())
    place.name(second, "prod", signer="prod", verified_at=VERIFIED)
    with pytest.raises(RefusedError, match="asks for 1 approvals, and hello 1111111 had none when"):
        restore_release(by(place), place.repo, "hello", "prod", None)
    place.name(first, "prod", signer="", verified_at=VERIFIED)  # a person writes that alice has approved
    place.name(second, "prod", signer="prod", verified_at=VERIFIED, approved_by=("bob",))
    with pytest.raises(RefusedError, match="asks for 1 approvals, and hello 1111111 had none when"):
        restore_release(by(place), place.repo, "hello", "prod", None)


def test_a_rollback_restores_no_digest_that_only_a_hand_made_commit_names(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "prod", verified_at=VERIFIED)
    place.name(second, "prod", signer="prod", verified_at=VERIFIED)
    for to in (None, first.id):
        with pytest.raises(RefusedError, match=r"no earlier verified|no commit that the agent of"):
            restore_release(by(place), place.repo, "hello", "prod", to)


def test_an_automatic_rollback_goes_and_says_what_today_s_policy_would(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "prod", signer="prod", verified_at=VERIFIED, approved_by=())
    place.name(second, "prod", signer="prod")
    config = CONFIG.format(image=place.image.name).replace("[secret]", "[secret, vuln]")
    place.git.write({"towpath.yaml": config}, "Stricter\n\nStricter: 1\n", ("Stricter", "1"))
    failed = QuarantineEntry(second.id, "never ready", VERIFIED)
    done = restore_failed(by(place), place.repo, "hello", "prod", failed)
    assert done
    assert done.told == ("hello 1111111 was not scanned for vuln",)
    assert message(place).startswith("Roll back hello in prod to 1111111 automatically\n")
    assert "Towpath-Waived: hello 1111111 was not scanned for vuln\n" in message(place)
    assert [each.release for each in done.repo.quarantine("hello")] == [second.id]


def test_break_glass_lets_one_release_in_once_and_is_told_in_the_commit(place: ProvenWorld) -> None:  # noqa: F811
    first, _ = two_releases(place)
    said, keys = owners_word(place, first, "gate"), place.git.keys.trusted_file
    entry = Entry(place.repo, "prod", "hello", first.id, "break-glass", override=said, run="run-1")
    admission = admit(entry, place.git.trusted)
    assert admission.verdict.open
    commit_promotion(
        by(place), place.repo, "prod", admission.release, (), override=overridden(admission.override)
    )
    text = message(place)
    assert text.startswith("Promote hello 1111111 to prod, overriding the gate\n")
    assert "Towpath-Overridden-By: olga\nTowpath-Reason: INC-42\nTowpath-Override: " in text
    assert require_admitted(replace(place.in_git("prod"), trusted_keys=keys), "hello") is None
    with pytest.raises(RefusedError, match="olga's override was used before, by run run-1"):
        admit(replace(entry, repo=place.repo, run="run-2"), place.git.trusted)


def test_a_merged_release_that_was_let_in_is_signed_and_stays_in(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "dev", promoted_from=None)
    admission = require_admitted(place.in_git("dev"), "hello")
    assert admission
    commit_merged(by(place, "dev"), place.repo, "dev", admission.release, ())
    state = place.repo.release("hello", "dev")
    assert state
    assert state.verified_at
    assert state.approved_by == (), "that alice has approved, a person wrote"
    quarantine(place, first)
    assert require_admitted(place.in_git("dev"), "hello") is None
    place.name(second, "dev")
    assert require_admitted(place.in_git("dev"), "hello")


def chain(place: ProvenWorld, environment: str = "prod") -> dict[str, tuple[str, str]]:  # noqa: F811
    """Step -> standing and who says it, without the fingerprint."""
    steps = release_chain(place.repo, place.git.trusted, "hello", environment)
    return {step.name: (step.standing, step.by.partition(" SHA256:")[0]) for step in steps}


def test_the_whole_chain_is_told_with_who_proves_each_step(place: ProvenWorld) -> None:  # noqa: F811
    first, second = two_releases(place)
    place.name(first, "prod", signer="prod", verified_at=VERIFIED)
    assert chain(place) == {
        "evidence": ("proven", "build"),
        "source": ("proven", "build"),
        "authors": ("proven", "build"),
        "scan": ("proven", "build"),
        "promotion": ("proven", "prod"),
        "approval": ("claimed", "whoever answered the form"),
        "verification": ("proven", "prod"),
    }
    place.name(second, "prod", signer="prod")
    assert chain(place)["verification"] == ("unknown", "")
    place.name(first, "prod")
    assert chain(place)["promotion"] == ("failed", "prod")


@pytest.mark.parametrize("signer", ["", "dev", "build"])
def test_of_a_release_that_others_have_written_nothing_is_proven(place: ProvenWorld, signer: str) -> None:  # noqa: F811
    known = place.release()
    place.name(known, "prod", signer=signer, verified_at=VERIFIED)
    assert chain(place) == {
        "evidence": ("failed", ""),
        "source": ("claimed", "release.yaml"),
        "scan": ("claimed", "release.yaml"),
        "promotion": ("failed", ""),
        "verification": ("claimed", "release.yaml"),
        "approval": ("claimed", "release.yaml"),
    }


def test_a_false_commit_and_a_scan_that_today_s_policy_refuses_are_told(place: ProvenWorld) -> None:  # noqa: F811
    first, _ = two_releases(place)
    place.name(replace(first, commit="9" * 40), "prod", signer="prod", verified_at=VERIFIED)
    assert chain(place)["source"] == ("failed", "build")
    config = CONFIG.format(image=place.image.name).replace("[secret]", "[secret, vuln]")
    place.git.write({"towpath.yaml": config}, "Stricter\n\nStricter: 1\n", ("Stricter", "1"))
    assert chain(place)["scan"] == ("failed", "build")
