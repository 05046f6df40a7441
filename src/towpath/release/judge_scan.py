"""Judges a Trivy report by the scan policy. An image counts as not scanned until the report proves the scan.

Trivy exits with 0 although it found something, and leaves out `Results` when it looked at nothing. So the
report must have: schema 2, the digest of this image, results, every scanner that the policy names, no finding
that a file of somebody else suppressed, and for vulnerabilities a database of known age.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath.config import ScanIgnore, ScanPolicy
from towpath.release.model import ScanStatus, ScanSummary
from towpath.release.scan_policy import SEVERITIES, active_ignores, canonical_id, is_blocking, policy_hash
from towpath.release.scan_report import (
    ScanFinding,
    mapping_or_empty,
    operating_system,
    read_findings,
    worst_severities,
)
from towpath.release.scan_verdict import ScanVerdict

SCHEMA_VERSION = 2
DATABASE_VERSION = 2
MAX_DATABASE_AGE = timedelta(days=7)
EVIDENCE_KEY = "Towpath"
"""Key of the report under which `adapters.images.trivy` says how it was made: scanners, version, data."""


def judge_scan(report: Mapping[str, Any], policy: ScanPolicy, image_id: str, *, now: datetime) -> ScanVerdict:
    """The verdict on a report of `adapters.images.trivy.scan_image`.

    `image_id` is the digest of the image's configuration; `now` has a time zone.
    """
    evidence = mapping_or_empty(report.get(EVIDENCE_KEY))
    findings, reasons = read_findings(report)
    reasons = [*_unproven(report, evidence, policy, image_id, now), *reasons]
    rules = active_ignores(policy, now)
    blocking, ignored = [], []
    for finding in findings:
        if not is_blocking(finding.id, finding.severity, policy):
            continue
        names = (canonical_id(finding.id), *finding.aliases)
        if named := next((name for name in names if name in rules), None):
            ignored.append((finding, rules[named]))
        else:
            blocking.append(finding)
    status: ScanStatus = "not-scanned" if reasons else "blocked" if blocking else "passed"
    counts = {name: sum(finding.severity == name for finding in findings) for name in SEVERITIES}
    summary = ScanSummary(
        status=status,
        scanners=tuple(policy.scanners),
        counts={name: count for name, count in counts.items() if count},
        scanner_version=str(evidence.get("version") or ""),
        policy=policy_hash(policy),
        findings=worst_severities(_as_named(finding, ignored) for finding in findings),
        os=operating_system(report),
    )
    return ScanVerdict(summary, tuple(findings), tuple(blocking), tuple(ignored), tuple(reasons))


def _as_named(finding: ScanFinding, ignored: Sequence[tuple[ScanFinding, ScanIgnore]]) -> ScanFinding:
    """The finding by the name that the policy ignores it under: a record has one name of each."""
    name = next((canonical_id(rule.id) for each, rule in ignored if each is finding), finding.id)
    return replace(finding, id=name)


def _unproven(
    report: Mapping[str, Any],
    evidence: Mapping[str, Any],
    policy: ScanPolicy,
    image_id: str,
    now: datetime,
) -> list[str]:
    """The reasons why the report does not prove that this image was scanned as the policy asks."""
    reasons = []
    if report.get("SchemaVersion") != SCHEMA_VERSION:
        reasons.append(f"report has schema {report.get('SchemaVersion')!r}, not {SCHEMA_VERSION}")
    if report.get("ArtifactType") != "container_image":
        reasons.append(f"report is about {report.get('ArtifactType')!r}, not a container image")
    scanned = mapping_or_empty(report.get("Metadata")).get("ImageID")
    if scanned != image_id:
        reasons.append(f"report is about image {scanned!r}, not {image_id}")
    if not report.get("Results"):
        reasons.append("report has no `Results`")
    if not policy.scanners:
        reasons.append("the policy names no scanner")
    ran = evidence.get("scanners")
    missing = [name for name in policy.scanners if not isinstance(ran, list) or name not in ran]
    if missing:
        reasons.append(f"scanner {', '.join(missing)} did not run")
    if "vuln" in policy.scanners:
        reasons += _database_problems(evidence.get("database"), now)
    return reasons


def _database_problems(database: Any, now: datetime) -> list[str]:
    if not isinstance(database, dict):
        return ["there is no vulnerability database"]
    if database.get("Version") != DATABASE_VERSION:
        return [f"vulnerability database has version {database.get('Version')!r}, not {DATABASE_VERSION}"]
    try:
        updated = datetime.fromisoformat(str(database.get("UpdatedAt")))
    except ValueError:
        return ["vulnerability database does not say when it was updated"]
    if updated.tzinfo is None:
        updated = updated.replace(tzinfo=UTC)
    age = now - updated
    if age > MAX_DATABASE_AGE:
        return [f"vulnerability database is {age.days} days old, more than {MAX_DATABASE_AGE.days}"]
    if age < -timedelta(days=1):
        return [f"vulnerability database is from the future: {updated:%Y-%m-%d}"]
    return []
