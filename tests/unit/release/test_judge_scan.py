"""judge_scan.py on reports that the real program wrote (data/scan-*.json)."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from towpath.config import ScanIgnore, ScanPolicy
from towpath.errors import RefusedError
from towpath.release.judge_scan import EVIDENCE_KEY, judge_scan
from towpath.release.recorded_scan import recorded_scan_problem
from towpath.release.scan_policy import policy_hash
from towpath.release.scan_verdict import ScanVerdict

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRETS = ScanPolicy(scanners=("secret",))


def report(name: str, **evidence: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DATA / f"scan-{name}.json").read_text())
    made = {"scanners": ["secret", "misconfig", "vuln"], "version": "0.59.1", "database": None}
    return {**content, EVIDENCE_KEY: {**made, **evidence}}


def verdict_on(content: dict[str, Any], policy: ScanPolicy = SECRETS, now: datetime = NOW) -> ScanVerdict:
    image_id = json.loads(json.dumps(content)).get("Metadata", {}).get("ImageID", "sha256:0")
    return judge_scan(content, policy, image_id, now=now)


def test_a_clean_image_passes() -> None:
    verdict = verdict_on(report("clean"))
    assert verdict.passed
    assert verdict.summary.status == "passed"
    assert verdict.summary.scanner_version == "0.59.1"
    assert verdict.findings == ()
    verdict.require_passed("hello")


def test_a_private_key_blocks() -> None:
    verdict = verdict_on(report("private-key"))
    assert verdict.summary.status == "blocked"
    assert verdict.summary.counts == {"HIGH": 1}
    assert str(verdict.blocked_by[0]) == "HIGH private-key in /app/site/server.key:1: Asymmetric Private Key"
    with pytest.raises(RefusedError, match=r"server\.key"):
        verdict.require_passed("hello")


def test_findings_are_recorded_by_their_worst_severity() -> None:
    assert verdict_on(report("private-key")).summary.findings == {"private-key": "HIGH"}
    assert verdict_on(report("clean")).summary.findings == {}
    found = report("misconfigured")
    policy = ScanPolicy(scanners=("misconfig",), block=())
    summary = verdict_on(found, policy).summary
    assert summary.status == "passed"
    assert set(summary.findings or {}) >= {"AVD-KSV-0017", "AVD-KSV-0009"}
    assert recorded_scan_problem(summary, policy, now=NOW) == ""
    stricter = policy.model_copy(update={"block": ("HIGH",)})
    assert recorded_scan_problem(summary, stricter, now=NOW).endswith("HIGH AVD-KSV-0009, HIGH AVD-KSV-0017")


def test_neither_verdict_nor_report_quote_the_file() -> None:
    verdict = verdict_on(report("private-key"))
    for text in (json.dumps(verdict.to_json()), verdict.to_markdown(), str(verdict.blocked_by)):
        assert "BEGIN RSA" not in text
        assert "****" not in text


def test_misconfigurations_block_by_severity() -> None:
    policy = ScanPolicy(scanners=("misconfig",), block=("HIGH",))
    verdict = verdict_on(report("misconfigured"), policy)
    assert {finding.id for finding in verdict.blocked_by} == {"AVD-KSV-0017", "AVD-KSV-0009"}
    assert verdict.summary.counts == {"HIGH": 2, "MEDIUM": 1}
    assert [finding.severity for finding in verdict.findings] == ["HIGH", "HIGH", "MEDIUM"]


def test_findings_below_the_limit_pass_and_are_told() -> None:
    verdict = verdict_on(report("private-key"), ScanPolicy(scanners=("secret",), block=("CRITICAL",)))
    assert verdict.passed
    assert "server.key" in verdict.to_markdown()


@pytest.mark.parametrize(("today", "passed"), [("2026-12-31", True), ("2027-01-01", False)])
def test_an_ignored_finding_passes_until_its_date(today: str, *, passed: bool) -> None:
    rule = ScanIgnore(id="private-key", until=date(2027, 1, 1), reason="rotated")
    now = datetime.fromisoformat(f"{today}T23:00:00+00:00")
    verdict = verdict_on(report("private-key"), ScanPolicy(scanners=("secret",), ignore=(rule,)), now=now)
    assert verdict.passed is passed
    assert bool(verdict.ignored) is passed
    assert ("rotated" in verdict.to_markdown()) is passed


def without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "schema None"),
        (report("without-results"), "no `Results`"),
        ({**report("clean"), "Results": []}, "no `Results`"),
        ({**report("clean"), "Results": None}, "no `Results`"),
        ({**report("clean"), "Results": "x"}, "no object"),
        ({**report("clean"), "SchemaVersion": 3}, "schema 3"),
        ({**report("clean"), "SchemaVersion": "2"}, "schema '2'"),
        ({**report("clean"), "ArtifactType": "filesystem"}, "not a container image"),
        (without(report("clean"), EVIDENCE_KEY), "secret did not run"),
        (report("clean", scanners=["vuln"]), "secret did not run"),
        (report("suppressed"), "suppressed by something else"),
        ({**report("clean"), "Results": [{"Target": "x", "Novelties": [{}]}]}, "unknown kind: Novelties"),
        ({**report("clean"), "Results": [{"Target": "x", "Secrets": ["y"]}]}, "no object"),
    ],
)
def test_what_is_not_proven_counts_as_not_scanned(content: dict[str, Any], reason: str) -> None:
    verdict = verdict_on(content)
    assert verdict.summary.status == "not-scanned"
    assert not verdict.passed
    assert any(reason in told for told in verdict.reasons), verdict.reasons
    with pytest.raises(RefusedError, match="not scanned"):
        verdict.require_passed("hello")


def test_a_report_about_another_image_counts_as_not_scanned() -> None:
    verdict = judge_scan(report("clean"), SECRETS, "sha256:" + "0" * 64, now=NOW)
    assert verdict.summary.status == "not-scanned"


def test_a_policy_without_scanners_counts_as_not_scanned() -> None:
    assert not verdict_on(report("clean"), ScanPolicy(scanners=())).passed


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        (None, "no vulnerability database"),
        ({"Version": 2}, "when it was updated"),
        ({"Version": 1, "UpdatedAt": NOW.isoformat()}, "version 1"),
        ({"Version": 2, "UpdatedAt": (NOW - timedelta(days=8)).isoformat()}, "8 days old"),
        ({"Version": 2, "UpdatedAt": (NOW + timedelta(days=3)).isoformat()}, "future"),
    ],
)
def test_vulnerabilities_need_a_database_of_known_age(database: Any, reason: str) -> None:
    verdict = verdict_on(report("clean", database=database), ScanPolicy(scanners=("vuln",)))
    assert verdict.summary.status == "not-scanned"
    assert reason in verdict.reasons[0]


def test_a_fresh_database_passes() -> None:
    # Trivy writes nanoseconds.
    database = {"Version": 2, "UpdatedAt": "2026-11-20T06:16:12.123456789Z"}
    assert verdict_on(report("clean", database=database), ScanPolicy(scanners=("vuln",))).passed


def test_vulnerabilities_name_package_and_fix() -> None:
    database = {"Version": 2, "UpdatedAt": NOW.isoformat()}
    verdict = verdict_on(report("vulnerable", database=database), ScanPolicy(scanners=("vuln",)))
    assert [str(finding) for finding in verdict.findings] == [
        "CRITICAL CVE-2026-0001 in example 1.2.3-1: example: reads one byte too many, fixed in 1.2.3-2",
        "LOW CVE-2026-0002 in example 1.2.3-1: example: prints a typo",
    ]
    assert [finding.id for finding in verdict.blocked_by] == ["CVE-2026-0001"]


def test_a_severity_nobody_knows_blocks() -> None:
    content = report("private-key")
    content["Results"][0]["Secrets"][0]["Severity"] = "APOCALYPTIC"
    assert verdict_on(content).summary.status == "blocked"


def test_names_from_the_image_cannot_break_the_table() -> None:
    content = report("private-key")
    content["Results"][0]["Target"] = "a|b\n<script>"
    markdown = verdict_on(content).to_markdown()
    assert "a\\|b &lt;script>" in markdown


def test_the_policys_hash_changes_with_the_policy() -> None:
    assert policy_hash(SECRETS) == policy_hash(ScanPolicy(scanners=("secret",)))
    assert policy_hash(SECRETS) != policy_hash(ScanPolicy(scanners=("secret",), block=("LOW",)))


DATABASE = {"Version": 2, "UpdatedAt": "2026-11-20T00:00:00Z"}
POLICY_HASH = "a28a32ce765b"
VULN = ScanPolicy(scanners=("vuln",), block=("CRITICAL",))


def with_system(**system: Any) -> dict[str, Any]:
    content = report("clean", database=DATABASE)
    return {**content, "Metadata": {**content["Metadata"], "OS": system}} if system else content


def test_an_operating_system_past_its_end_of_life_blocks() -> None:
    verdict = verdict_on(with_system(Family="debian", Name="9.13", EOSL=True), VULN)
    assert (verdict.summary.status, verdict.summary.os) == ("blocked", "debian 9.13")
    assert "end-of-life in debian 9.13" in str(verdict.blocked_by[0])
    assert recorded_scan_problem(verdict.summary, VULN, now=NOW) != ""


@pytest.mark.parametrize(
    "policy",
    [
        VULN.model_copy(update={"end_of_life": "allow"}),
        VULN.model_copy(
            update={"ignore": (ScanIgnore(id="end-of-life", until=date(2027, 1, 1), reason="x"),)}
        ),
    ],
)
def test_a_policy_may_let_it_pass_and_the_record_keeps_it(policy: ScanPolicy) -> None:
    verdict = verdict_on(with_system(Family="alpine", Name="3.9", EOSL=True), policy)
    assert verdict.passed
    assert verdict.summary.findings == {"end-of-life": "UNKNOWN"}
    assert recorded_scan_problem(verdict.summary, policy, now=NOW) == ""
    assert "end-of-life" in recorded_scan_problem(verdict.summary, VULN, now=NOW)


@pytest.mark.parametrize("family", ["alpine", "ubuntu", "centos", "photon", "opensuse.leap", "wolfi", "none"])
def test_an_end_of_life_blocks_whatever_the_system_and_beside_any_findings(family: str) -> None:
    content = with_system(Family=family, Name="1", EOSL=True)
    content["Results"] = [
        {"Target": "os", "Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "LOW"}]}
    ]
    verdict = verdict_on(content, VULN)
    assert verdict.summary.status == "blocked"
    assert verdict.summary.findings == {"CVE-1": "LOW", "end-of-life": "UNKNOWN"}
    assert "end-of-life" in verdict.to_markdown()


@pytest.mark.parametrize("eosl", [False, None, ""])
def test_a_supported_system_passes(eosl: object) -> None:
    verdict = verdict_on(with_system(Family="debian", Name="12.5", EOSL=eosl), VULN)
    assert (verdict.passed, verdict.summary.os) == (True, "debian 12.5")


def test_end_of_life_is_asked_with_vulnerabilities_only() -> None:
    assert verdict_on(with_system(Family="debian", Name="9", EOSL=True), SECRETS).passed


NO_SYSTEM: list[Any] = [{}, None, [], "", {"Family": ""}, {"Family": "none"}, {"Family": "none", "Name": ""}]


@pytest.mark.parametrize("system", NO_SYSTEM)
def test_no_operating_system_is_told(system: Any) -> None:
    content = with_system()
    content["Metadata"] = {**content["Metadata"], "OS": system}
    verdict = verdict_on(content, VULN)
    assert (verdict.passed, verdict.summary.os) == (True, "")
    assert "none recognised" in verdict.to_markdown()


def misconfigured(**names: Any) -> dict[str, Any]:
    item = {"Status": "FAIL", "Severity": "HIGH", "Title": "x", **names}
    content = report("clean")
    return {**content, "Results": [{"Target": "Dockerfile", "Misconfigurations": [item]}]}


NAMES = {
    "older": {"ID": "DS002", "AVDID": "AVD-DS-0002"},
    "newer": {"ID": "DS-0002", "Aliases": ["AVD-DS-0002", "DS002"]},
    "without aliases": {"ID": "DS-0002"},
    "with a name": {"ID": "AWS-0086", "Aliases": ["AVD-AWS-0086", "s3-block-public-acls"]},
    "of a pod": {"ID": "KSV001", "AVDID": "AVD-KSV-0001"},
    "of a pod, newer": {"ID": "KSV-0001", "Aliases": ["AVD-KSV-0001", "KSV001", "no-self-privesc"]},
    "by its long id": {"ID": "AVD-AZU-0012", "AVDID": "AVD-AZU-0012"},
    "by aliases alone": {"Aliases": ["AVD-GCP-0031", "GCP031"]},
    "of one's own": {"ID": "USR-0007", "AVDID": ""},
}


@pytest.mark.parametrize(
    ("form", "ignored"),
    [
        *[(form, name) for form in list(NAMES)[:3] for name in ("AVD-DS-0002", "DS002", "DS-0002", "DS-002")],
        ("with a name", "s3-block-public-acls"),
        ("with a name", "AVD-AWS-0086"),
        *[("of a pod", name) for name in ("AVD-KSV-0001", "KSV001", "KSV-0001", "KSV-001")],
        *[("of a pod, newer", name) for name in ("AVD-KSV-0001", "KSV001", "KSV-0001", "no-self-privesc")],
        *[("by its long id", name) for name in ("AVD-AZU-0012", "AZU-0012", "AZU012")],
        *[("by aliases alone", name) for name in ("AVD-GCP-0031", "GCP-0031", "GCP031")],
        *[("of one's own", name) for name in ("USR-0007", "AVD-USR-0007")],
    ],
)
def test_a_check_is_ignored_under_each_of_its_names(form: str, ignored: str) -> None:
    rule = ScanIgnore(id=ignored, until=date(2027, 1, 1), reason="known")
    policy = ScanPolicy(scanners=("misconfig",), block=("HIGH",), ignore=(rule,))
    verdict = verdict_on(misconfigured(**NAMES[form]), policy)
    assert (verdict.passed, len(verdict.ignored)) == (True, 1)
    assert not recorded_scan_problem(verdict.summary, policy, now=NOW)
    ended = datetime(2027, 1, 2, tzinfo=UTC)
    assert "would be blocked" in recorded_scan_problem(verdict.summary, policy, now=ended)


@pytest.mark.parametrize("ignored", ["DS003", "AVD-DS-0020", "KSV-0002", "DS", "0002", "CVE-2026-0002"])
def test_another_check_is_not_ignored(ignored: str) -> None:
    rule = ScanIgnore(id=ignored, until=date(2027, 1, 1), reason="known")
    policy = ScanPolicy(scanners=("misconfig",), block=("HIGH",), ignore=(rule,))
    assert not verdict_on(misconfigured(**NAMES["newer"]), policy).passed


def test_the_recorded_name_is_the_same_for_all_forms() -> None:
    policy = ScanPolicy(scanners=("misconfig",), block=("HIGH",))
    recorded = [verdict_on(misconfigured(**NAMES[form]), policy).summary.findings for form in list(NAMES)[:3]]
    assert recorded == [{"AVD-DS-0002": "HIGH"}] * 3


def test_the_hash_of_a_policy_without_the_key_is_as_before() -> None:
    assert policy_hash(ScanPolicy()) == policy_hash(ScanPolicy(end_of_life="block")) == POLICY_HASH
    assert policy_hash(ScanPolicy(end_of_life="allow")) != POLICY_HASH
