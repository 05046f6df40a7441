"""What must hold before a release may enter an environment."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from towpath.config import Config, parse_config
from towpath.errors import UnknownNameError
from towpath.gates.approval import Approval
from towpath.gates.evaluate import Facts, GateVerdict, evaluate_gate
from towpath.gates.pause import Pause
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.quarantine import QuarantineEntry
from towpath.release.scan_policy import policy_hash

CONFIG = """\
apiVersion: towpath.dev/v2
environments:
  - {name: dev, namespace: dev}
  - {name: staging, namespace: staging, gate: {soak: 10m}}
  - {name: prod, namespace: prod, gate: {approvals: {required: 2, from: [alice, bob, carol]}}}
scan: {scanners: [secret]}
"""
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
RELEASE = Release(
    app="hello",
    images=one_image("hello", "example.com/hello", "sha256:" + "a" * 64),
    commit="b" * 40,
    source="",
    subject="",
    author="Carol <carol@example.com>",
    built_at="",
    scan=ScanSummary("passed", ("secret",)),
    flow_run="",
)
OTHER = replace(
    RELEASE, images=one_image("hello", "example.com/hello", "sha256:" + "c" * 64), commit="d" * 40
)


def there(release: Release = RELEASE, verified_at: str | None = "2026-01-01T11:00:00Z") -> EnvironmentRelease:
    return EnvironmentRelease(release, "2026-01-01T10:00:00Z", "ann", verified_at=verified_at)


def said(approver: str, decision: str = "approve", **changes: str) -> Approval:
    good = Approval(approver, RELEASE.id, "m", "prod", "hello", "2026-01-01T11:30:00Z", "approve")
    return replace(good, decision=decision, **changes)  # type: ignore[arg-type]


def evaluate(
    environment: str,
    *,
    release: Release = RELEASE,
    states: dict[str, EnvironmentRelease | None] | None = None,
    quarantine: tuple[QuarantineEntry, ...] = (),
    approvals: tuple[Approval, ...] = (),
    config: Config | None = None,
    pause: Pause | None = None,
    authors: tuple[str, ...] = (),
) -> GateVerdict:
    states = {"dev": there(), "staging": there()} if states is None else states
    facts = Facts(
        config or parse_config(CONFIG),
        environment,
        release,
        NOW,
        states=states,
        quarantine=quarantine,
        pauses=(pause,) if pause else (),
        approvals=approvals,
        authors=authors,
    )
    return evaluate_gate("promotion", facts)


def test_approvals_and_rejections_of_who_wrote_what_is_new_do_not_count() -> None:
    given = (said("alice"), said("bob"))
    assert evaluate("prod", approvals=given).open
    authors = ("Alice <alice@example.com>", "Dana <dana@example.com>")
    assert evaluate("prod", approvals=given, authors=authors).missing_approvals == 1
    assert evaluate("prod", approvals=(said("alice", "reject"),), authors=authors).reasons == ()


def test_nothing_enters_while_it_is_paused() -> None:
    verdict = evaluate("dev", pause=Pause("", "2026-01-01T13:00:00+00:00", "migration", "alice"))
    assert verdict.reasons == ("dev is paused until 2026-01-01T13:00:00+00:00 by alice: migration",)
    assert not verdict.open


def test_the_first_environment_asks_only_for_the_scan() -> None:
    assert evaluate("dev", states={}) == GateVerdict(open=True)


@pytest.mark.parametrize(
    ("scan", "why"),
    [
        (ScanSummary("blocked", ("secret",)), "is blocked by its scan"),
        (ScanSummary("not-scanned"), "was not scanned"),
        (ScanSummary("passed", ("vuln",)), "was not scanned for secret"),
    ],
)
def test_the_scan_must_have_passed(scan: ScanSummary, why: str) -> None:
    verdict = evaluate("dev", release=replace(RELEASE, scan=scan))
    assert not verdict.open
    assert verdict.reasons == (f"hello bbbbbbb {why}",)


PASSED = ScanSummary("passed", ("secret",), {"MEDIUM": 1}, policy="old", findings={"CVE-1": "MEDIUM"})
STRICTER = "[secret], block: [HIGH, MEDIUM]"


@pytest.mark.parametrize(
    ("policy", "scan", "why"),
    [
        (STRICTER, PASSED, "would be blocked by today's scan policy: MEDIUM CVE-1"),
        (f"{STRICTER}, ignore: [{{id: CVE-1, until: 2026-01-02, reason: x}}]", PASSED, ""),
        (
            f"{STRICTER}, ignore: [{{id: CVE-1, until: 2026-01-01, reason: x}}]",
            PASSED,
            "would be blocked by today's scan policy: MEDIUM CVE-1",
        ),
        ("[secret], block: [HIGH]", PASSED, ""),
        ("[secret], block: [HIGH]", replace(PASSED, findings={"X": "DIRE"}), "DIRE X"),
        ("[secret, vuln], block: [HIGH]", PASSED, "was not scanned for vuln"),
        ("[]", PASSED, ""),
        # Recorded before findings were:
        (STRICTER, replace(PASSED, findings=None), "which 1 MEDIUM it has is not recorded; deliver it again"),
        ("[secret], block: [HIGH]", replace(PASSED, findings=None), ""),
    ],
)
def test_a_recorded_scan_is_judged_by_the_policy_of_now(policy: str, scan: ScanSummary, why: str) -> None:
    config = parse_config(CONFIG.replace("[secret]", policy))
    verdict = evaluate("dev", release=replace(RELEASE, scan=scan), config=config)
    assert verdict.open == (not why)
    assert why in " ".join(verdict.reasons)


def test_without_recorded_findings_the_same_policy_still_holds() -> None:
    config = parse_config(CONFIG.replace("[secret]", STRICTER))
    scan = replace(PASSED, findings=None, policy=policy_hash(config.scan))
    assert evaluate("dev", release=replace(RELEASE, scan=scan), config=config).open


def test_a_policy_without_scanners_asks_for_no_scan() -> None:
    config = parse_config(CONFIG.replace("[secret]", "[]"))
    assert evaluate("dev", release=replace(RELEASE, scan=ScanSummary("not-scanned")), config=config).open


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (None, "nothing is released there"),
        (there(OTHER), "dev runs ddddddd"),
        (there(verified_at=None), "not verified yet"),
        (there(verified_at="2026-01-01T11:55:00Z"), "must soak in dev for 0:10:00; 5 min to go"),
        (there(verified_at="2026-01-01T11:50:30Z"), "30 s to go"),
    ],
)
def test_verified_in_the_environment_before_it_and_soaked(state: EnvironmentRelease | None, why: str) -> None:
    verdict = evaluate("staging", states={"dev": state})
    assert not verdict.open
    assert why in verdict.reasons[0]


def test_only_what_nothing_but_time_keeps_out_soaks() -> None:
    fresh = {"dev": there(verified_at="2026-01-01T11:55:00Z")}
    assert evaluate("staging", states=fresh).soaks == 300
    assert evaluate("staging", states=fresh, release=replace(RELEASE, scan=ScanSummary("blocked"))).soaks == 0
    assert evaluate("staging", states={}).soaks == 0
    assert evaluate("prod").soaks == 0


def test_soaked_to_the_second_is_enough() -> None:
    assert evaluate("staging", states={"dev": there(verified_at="2026-01-01T11:50:00Z")}).open


def test_where_no_soak_is_asked_a_clock_that_is_ahead_holds_nothing_up() -> None:
    """Who verified it there has dated it by another clock."""
    later = {
        "staging": there(verified_at="2026-01-01T12:05:00Z"),
        "dev": there(verified_at="2026-01-01T12:05:00Z"),
    }
    assert not any("must soak" in each for each in evaluate("prod", states=later).reasons)
    assert any("must soak" in each for each in evaluate("staging", states=later).reasons)


def test_a_quarantined_digest_stays_out() -> None:
    bad = QuarantineEntry(RELEASE.id, "never ready", "2025-12-31")
    verdict = evaluate("dev", quarantine=(bad,))
    assert verdict.reasons == ("hello bbbbbbb is quarantined since 2025-12-31: never ready",)


def test_waiting_for_approvals_is_no_refusal() -> None:
    verdict = evaluate("prod")
    assert (verdict.open, verdict.missing_approvals, verdict.reasons) == (False, 2, ())
    assert verdict.waits_for_approval


@pytest.mark.parametrize(
    ("approvals", "missing"),
    [
        ((said("alice"),), 1),
        ((said("alice"), said("bob")), 0),
        ((said("alice"), said("alice")), 1),
        ((said("alice"), said("eve")), 1),
        ((said("alice"), said("carol")), 1),  # the author
        ((said("alice"), said("bob", environment="staging")), 1),
        ((said("alice"), said("bob", digest=OTHER.id)), 1),
        ((said("alice"), said("bob", app="other")), 1),
    ],
)
def test_different_people_who_may_and_did_not_write_it_count(
    approvals: tuple[Approval, ...], missing: int
) -> None:
    verdict = evaluate("prod", approvals=approvals)
    assert verdict.missing_approvals == missing
    assert verdict.open == (missing == 0)


def test_one_rejection_by_somebody_who_may_closes_the_gate() -> None:
    approvals = (said("alice"), said("bob"), replace(said("bob", "reject"), reason="not on Friday"))
    verdict = evaluate("prod", approvals=approvals)
    assert verdict.reasons == ("rejected by bob: not on Friday",)
    assert not verdict.open
    assert evaluate("prod", approvals=(said("alice"), said("bob"), said("eve", "reject"))).open


def test_all_reasons_at_once() -> None:
    bad = QuarantineEntry(RELEASE.id, "x", "y")
    release = replace(RELEASE, scan=ScanSummary("blocked"))
    verdict = evaluate("prod", release=release, states={}, quarantine=(bad,))
    assert len(verdict.reasons) == 3
    assert not verdict.waits_for_approval


def test_an_unknown_environment() -> None:
    with pytest.raises(UnknownNameError):
        evaluate("prd")
