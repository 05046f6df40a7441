"""The images of one release pass their scan together or not at all."""

from datetime import date

from towpath.config import ScanIgnore
from towpath.release.joined_scans import join_verdicts
from towpath.release.model import ScanStatus, ScanSummary
from towpath.release.scan_report import ScanFinding
from towpath.release.scan_verdict import ScanVerdict

KEY = ScanFinding("HIGH", "private-key", "secret", "/key.pem", "a key")
OLD = ScanFinding("LOW", "CVE-1", "vuln", "openssl", "old")


def verdict(status: ScanStatus, *findings: ScanFinding, system: str = "debian 12") -> ScanVerdict:
    counts = {each.severity: 1 for each in findings}
    recorded = {each.id: each.severity for each in findings}
    summary = ScanSummary(status, ("secret", "vuln"), counts, "0.72", "abc", recorded, system)
    blocked = findings if status == "blocked" else ()
    return ScanVerdict(summary, findings, blocked, reasons=("no results",) if status == "not-scanned" else ())


def test_the_verdict_of_one_image_stays_as_it_is() -> None:
    one = verdict("passed", OLD)
    assert join_verdicts({"shop": one}) is one


def test_one_image_that_is_blocked_blocks_all_and_is_named() -> None:
    joined = join_verdicts({"web": verdict("passed", OLD), "worker": verdict("blocked", KEY)})
    assert (joined.summary.status, joined.passed) == ("blocked", False)
    assert [str(each) for each in joined.blocked_by] == ["HIGH private-key in worker: /key.pem: a key"]
    assert [each.where for each in joined.findings] == ["web: openssl", "worker: /key.pem"]
    assert joined.summary.counts == {"HIGH": 1, "LOW": 1}


def test_one_image_that_was_not_scanned_leaves_all_unscanned() -> None:
    joined = join_verdicts({"web": verdict("blocked", KEY), "worker": verdict("not-scanned")})
    assert joined.summary.status == "not-scanned"
    assert joined.reasons == ("worker: no results",)


def test_of_a_finding_in_several_images_the_worst_severity_is_recorded() -> None:
    worse = ScanFinding("CRITICAL", "CVE-1", "vuln", "openssl", "old")
    joined = join_verdicts({"web": verdict("passed", OLD), "worker": verdict("passed", worse, system="")})
    assert joined.summary.findings == {"CVE-1": "CRITICAL"}
    assert joined.summary.os == "debian 12, none"


def test_findings_that_one_scan_did_not_record_are_not_recorded() -> None:
    silent = ScanVerdict(ScanSummary("passed", ("secret",)), (), ())
    joined = join_verdicts({"web": verdict("passed", OLD), "worker": silent})
    assert joined.summary.findings is None
    assert joined.summary.scanners == ("secret",)


def test_what_the_policy_ignores_says_in_which_image_it_is() -> None:
    rule = ScanIgnore(id="CVE-1", until=date(2126, 1, 1), reason="no fix")
    ignoring = ScanVerdict(ScanSummary("passed"), (OLD,), (), ((OLD, rule),))
    joined = join_verdicts({"web": verdict("passed"), "worker": ignoring})
    assert [(each.where, rule.id) for each, rule in joined.ignored] == [("worker: openssl", "CVE-1")]
