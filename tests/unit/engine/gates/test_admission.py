"""The one admission on real commits and real signatures: break-glass, overrides, rollbacks."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.keys import evidence_of
from tests.unit.engine.gates.bench import CONFIG, Bench
from tests.unit.engine.source.promotions import release
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import read_private_key
from towpath.engine.gates import rollback
from towpath.engine.gates.admission import Admission, Entry, admit
from towpath.engine.gates.rollback import restore_failed, restore_release
from towpath.engine.source.commits import Committer
from towpath.errors import EvidenceError, OtherSubjectError, RefusedError, UntrustedSignatureError
from towpath.evidence.signing import sign_release
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY
from towpath.gates.override import LIFETIME, OverrideStatement, encode_override, join_signed
from towpath.gates.ways import Way
from towpath.release.commit_message import OVERRIDE_TRAILER
from towpath.release.model import ScanSummary
from towpath.release.quarantine import QuarantineEntry
from towpath.settings import Settings

PAUSED = """\
apiVersion: towpath.dev/v2
pauses: [{until: '2126-01-01T00:00:00+00:00', reason: migration, by: ann, at: '2026-01-01T00:00:00+00:00'}]
"""
TWO = ("alice", "bob")


def signed(bench: Bench, number: int, waives: Any = "gate", *, by: str = "olga", **changes: str) -> str:
    """What an owner signs, as a run gets it."""
    if not bench.git.keys.private_file("olga").exists():
        make_key(bench.git.keys, "olga", (POLICY,))
    now = datetime.now(UTC).replace(microsecond=0)
    said = OverrideStatement(
        "hello",
        "prod",
        release(number).id,
        waives,
        "olga",
        "prod is down",
        now.isoformat(),
        (now + LIFETIME).isoformat(),
    )
    content = encode_override(replace(said, **changes))
    return join_signed(content, sign_text(content, POLICY, read_private_key(bench.git.keys.private_file(by))))


def judged(bench: Bench, number: int, way: Way, *, override: str = "", run: str = "run") -> Admission:
    repo, digest = bench.context("prod").repo, release(number).id
    named = release(number) if "rollback" in way else None
    entry = Entry(repo, "prod", "hello", digest, way, named=named, override=override, run=run)
    return admit(entry, bench.git.trusted)


def committer(bench: Bench) -> Committer:
    settings = Settings.load({"HOME": str(bench.git.cache.parent)})
    return Committer(replace(settings, trusted_keys=bench.git.keys.trusted_file), "run-9", "ann")


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Rollbacks that would be committed: release, the failed one, what is told, the override."""
    made: list[tuple[Any, ...]] = []

    def commit_rollback(_by: Any, repo: Any, _in: str, earlier: Any, _replaced: str, **more: Any) -> Any:
        made.append((earlier.release.id, more.get("failed"), more["told"], more.get("override")))
        return repo

    monkeypatch.setattr(rollback, "commit_rollback", commit_rollback)
    monkeypatch.setattr(rollback, "commit_quarantine", lambda *_: made.append(("quarantine",)))
    return made


def test_an_owner_lets_a_release_in_without_order_soak_and_approvals(bench: Bench) -> None:
    assert "must be verified in dev first" in judged(bench, 1, "promotion").verdict.reasons[0]
    admission = judged(bench, 1, "break-glass", override=signed(bench, 1))
    assert admission.verdict.open
    assert admission.override
    said = admission.override.statement
    assert (said.owner, said.reason) == ("olga", "prod is down")


def test_break_glass_waives_nothing_else(bench: Bench) -> None:
    said = signed(bench, 1)
    bench.merge({"pauses/prod.yaml": PAUSED})
    bench.quarantine(1)
    bad = replace(release(1), scan=ScanSummary("blocked", ("secret",)))
    bench.bundles[release(1).id] = [bench.signed(bad)]
    reasons = judged(bench, 1, "break-glass", override=said).verdict.reasons
    assert [why.split(maxsplit=3)[2] for why in reasons] == ["is", "is", "paused"]
    bench.bundles.clear()
    with pytest.raises(EvidenceError, match="there is no release evidence for hello"):
        judged(bench, 1, "break-glass", override=said)


@pytest.mark.parametrize(
    ("changes", "error", "why"),
    [
        ({"release": release(2).id}, OtherSubjectError, "about another release"),
        ({"environment": "dev"}, OtherSubjectError, "about another environment"),
        ({"app": "shop"}, OtherSubjectError, "about another app"),
        ({"waives": "quarantine"}, OtherSubjectError, "about another waives"),
        ({"owner": "alice"}, UntrustedSignatureError, "'alice' is no owner"),
        ({"by": "prod"}, UntrustedSignatureError, "is prod's, and only olga may sign this"),
    ],
)
def test_what_was_signed_for_something_else_lets_nothing_in(
    bench: Bench, changes: dict[str, str], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        judged(bench, 1, "break-glass", override=signed(bench, 1, **changes))


def test_break_glass_needs_an_owner_and_other_ways_take_none(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="needs what an owner signed"):
        judged(bench, 1, "break-glass")
    for way in ("promotion", "automatic rollback"):
        with pytest.raises(RefusedError, match="can be overridden"):
            judged(bench, 1, way, override=signed(bench, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(("signer", "used"), [("prod", True), ("dev", False), ("", False)])
def test_it_holds_for_one_run_whoever_else_writes_its_trailer(bench: Bench, signer: str, used: bool) -> None:
    said = signed(bench, 1)
    admission = judged(bench, 1, "break-glass", override=said)
    assert admission.override
    bench.git.promote(1, "prod", verified=False, signer=signer)
    path = "apps/hello/prod/release.yaml"
    text = (bench.git.checkout().path / path).read_text()
    mark = (OVERRIDE_TRAILER, admission.override.id)
    message = f"Promote\n\nTowpath-Flow-Run: run\n{mark[0]}: {mark[1]}\n"
    bench.git.write({path: f"{text}# again\n"}, message, mark, signer=signer)
    assert judged(bench, 1, "break-glass", override=said, run="run").override
    if used:
        with pytest.raises(RefusedError, match="was used before, by run run"):
            judged(bench, 1, "break-glass", override=said, run="another")
    else:
        assert judged(bench, 1, "break-glass", override=said, run="another").override


def test_a_rollback_takes_no_release_that_was_never_approved(
    bench: Bench, commits: list[tuple[Any, ...]]
) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=())
    bench.git.promote(2, "prod", verified=True, approved_by=TWO)
    with pytest.raises(RefusedError, match="asks for 2 approvals, and hello 1111111 had none when"):
        restore_release(committer(bench), bench.context("prod").repo, "hello", "prod", None)
    assert commits == []


def test_a_quarantined_release_comes_back_only_by_an_owners_word(
    bench: Bench, commits: list[tuple[Any, ...]]
) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=TWO)
    bench.git.promote(2, "prod", verified=True, approved_by=TWO)
    bench.quarantine(1)
    said = signed(bench, 1, "quarantine")
    by, repo = committer(bench), bench.context("prod").repo
    with pytest.raises(RefusedError, match="no earlier verified release of hello in prod"):
        restore_release(by, repo, "hello", "prod", None, override=said)
    with pytest.raises(RefusedError, match="does not take hello 1111111 back: hello 1111111 is quarantined"):
        restore_release(by, repo, "hello", "prod", "1111111")
    with pytest.raises(OtherSubjectError, match="about another waives"):
        restore_release(by, repo, "hello", "prod", "1111111", override=signed(bench, 1))
    done = restore_release(by, repo, "hello", "prod", "1111111", override=said)
    assert done.override
    assert (done.override.by, done.override.waives) == ("olga", "quarantine")
    assert [(each[0], each[3]) for each in commits] == [(release(1).id, done.override)]


def test_an_automatic_rollback_waits_neither_for_people_nor_for_a_stricter_policy(
    bench: Bench, commits: list[tuple[Any, ...]]
) -> None:
    bench.git.promote(1, "prod", verified=True, approved_by=())
    bench.git.promote(2, "prod", verified=False)
    bench.config(CONFIG.replace("[secret]", "[secret, vuln]"))
    by, repo = committer(bench), bench.context("prod").repo
    with pytest.raises(RefusedError, match="was not scanned for vuln; prod asks for 2 approvals"):
        restore_release(by, repo, "hello", "prod", None)
    failed = QuarantineEntry(release(2).id, "never ready", "2026-01-03T00:00:00Z")
    done = restore_failed(by, repo, "hello", "prod", failed)
    assert done
    assert done.told == ("hello 1111111 was not scanned for vuln",)
    assert commits == [(release(1).id, failed, done.told, None)]


@pytest.mark.parametrize("bad", ["quarantined", "no evidence", "not signed", "not verified"])
def test_an_automatic_rollback_restores_only_what_is_proven(
    bench: Bench, commits: list[tuple[Any, ...]], bad: str
) -> None:
    bench.git.promote(1, "prod", verified=bad != "not verified", signer="" if bad == "not signed" else "prod")
    bench.git.promote(2, "prod", verified=False)
    if bad == "quarantined":
        bench.quarantine(1)
    if bad == "no evidence":
        bench.bundles.clear()
    failed = QuarantineEntry(release(2).id, "never ready", "2026-01-03T00:00:00Z")
    assert restore_failed(committer(bench), bench.context("prod").repo, "hello", "prod", failed) is None
    assert commits == [("quarantine",)]


def test_evidence_of_an_image_that_was_built_elsewhere_proves_nothing_where_there_is_a_source(
    bench: Bench,
) -> None:
    known = replace(release(1), commit="")
    evidence = replace(evidence_of(known), prebuilt=True)
    key = read_private_key(bench.git.keys.private_file("build"))
    bench.bundles[known.id] = [sign_release(evidence, key)]
    admission = bench.promotion("dev", known.id)
    assert any("was built elsewhere" in reason for reason in admission.verdict.reasons)
