"""Judges a Trivy report by the scan policy. Pure, and closed: what is not proven scanned is not scanned.

Trivy exits with 0 also when it found something, and leaves `Results` out also when it looked at nothing. So
the report must prove that it is whole: schema 2, this very image, results, every scanner the policy asks for,
nothing suppressed by a file of somebody else, and for vulnerabilities a database of known age.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath.config import ScanIgnore, ScanPolicy
from towpath.errors import RefusedError
from towpath.redact import redact
from towpath.release.model import ScanStatus, ScanSummary
from towpath.release.scan_policy import SEVERITIES, active_ignores, is_severe, policy_hash

SCHEMA_VERSION = 2
DATABASE_VERSION = 2
MAX_DATABASE_AGE = timedelta(days=7)
EVIDENCE_KEY = "Towpath"
"""Key of the report under which adapters/trivy.py says how it was made: scanners, version, database."""

MAX_LISTED = 50

# What a result may hold besides findings. Another list means a kind of finding that we do not judge yet.
_HARMLESS = frozenset({"Packages", "Licenses"})
_FINDINGS = ("Secrets", "Vulnerabilities", "Misconfigurations")


@dataclass(frozen=True, slots=True, order=True)
class ScanFinding:
    """One thing Trivy found. `where` is a file or package. Never holds the secret or the text around it."""

    severity: str
    id: str
    scanner: str
    where: str
    title: str
    line: int | None = None
    installed: str = ""
    fixed: str = ""

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        version = f" {self.installed}" if self.installed else ""
        fixed = f", fixed in {self.fixed}" if self.fixed else ""
        return f"{self.severity} {self.id} in {place}{version}: {self.title}{fixed}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """Whether the image may be released. `reasons` say why it counts as not scanned."""

    summary: ScanSummary
    findings: tuple[ScanFinding, ...]
    blocked_by: tuple[ScanFinding, ...]
    ignored: tuple[tuple[ScanFinding, ScanIgnore], ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """It was scanned as the policy asks, and nothing blocks it."""
        return self.summary.status == "passed"

    def require_passed(self, image: str) -> None:
        """Raise RefusedError unless it passed; `image` is what a person calls it."""
        if self.reasons:
            raise RefusedError(
                f"{image} counts as not scanned: {'; '.join(self.reasons)}",
                remedy="Nothing was pushed. Scan again when the scanner works: `towpath doctor`.",
            )
        if not self.passed:
            listed = [f"  {finding}" for finding in self.blocked_by[:MAX_LISTED]]
            raise RefusedError(
                "\n".join([f"{image} is blocked by {_count(len(self.blocked_by), 'finding')}:", *listed]),
                remedy="Nothing was pushed. Fix them, or let one pass until a date by `scan.ignore`.",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, for a record of the scan."""
        return {
            "summary": self.summary.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
            "blocked_by": [finding.to_json() for finding in self.blocked_by],
            "ignored": [
                {"finding": finding.to_json(), "until": rule.until.isoformat(), "reason": rule.reason}
                for finding, rule in self.ignored
            ],
            "reasons": list(self.reasons),
        }

    def to_markdown(self) -> str:
        """The report for people: verdict first, then what blocks, what is ignored, and the rest."""
        summary = self.summary
        lines = [f"**Scan {summary.status}**: {self.headline()}", ""]
        lines += [f"- not scanned: {_cell(reason)}" for reason in self.reasons]
        lines += ["", *_table("Blocking", self.blocked_by)] if self.blocked_by else []
        if self.ignored:
            lines += ["", "### Ignored by policy", "", "| finding | until | reason |", "|---|---|---|"]
            lines += [
                f"| {_cell(str(f))} | {rule.until.isoformat()} | {_cell(rule.reason)} |"
                for f, rule in self.ignored[:MAX_LISTED]
            ]
        passed_over = {*self.blocked_by, *(finding for finding, _ in self.ignored)}
        others = tuple(finding for finding in self.findings if finding not in passed_over)
        lines += ["", *_table("Below the policy's limit", others)] if others else []
        scanners = ", ".join(summary.scanners) or "none"
        lines += [
            "",
            f"Scanners: {scanners}. Trivy {summary.scanner_version or '?'}. Policy {summary.policy}.",
        ]
        return "\n".join(lines) + "\n"

    def headline(self) -> str:
        """One line: what was found, by severity."""
        counts = [
            f"{self.summary.counts[name]} {name}" for name in SEVERITIES if self.summary.counts.get(name)
        ]
        return ", ".join(counts) or "nothing found"


def judge_scan(report: Mapping[str, Any], policy: ScanPolicy, image_id: str, *, now: datetime) -> ScanVerdict:
    """Judge a report of `adapters.trivy.scan_image`; `image_id` is the digest of the image's config."""
    evidence = _mapping(report.get(EVIDENCE_KEY))
    findings, reasons = _findings(report)
    reasons = [*_not_proven(report, evidence, policy, image_id, now), *reasons]
    rules = active_ignores(policy, now)
    blocking, ignored = [], []
    for finding in findings:
        if not is_severe(finding.severity, policy):
            continue
        if finding.id in rules:
            ignored.append((finding, rules[finding.id]))
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
        findings=_worst(findings),
    )
    return ScanVerdict(summary, tuple(findings), tuple(blocking), tuple(ignored), tuple(reasons))


def _worst(findings: Iterable[ScanFinding]) -> dict[str, str]:
    """The worst severity of each id."""
    worst: dict[str, str] = {}
    for finding in findings:
        known = worst.get(finding.id)
        if known is None or _rank(finding.severity) < _rank(known):
            worst[finding.id] = finding.severity
    return dict(sorted(worst.items()))


def _not_proven(
    report: Mapping[str, Any],
    evidence: Mapping[str, Any],
    policy: ScanPolicy,
    image_id: str,
    now: datetime,
) -> list[str]:
    """Why the report does not prove that this image was scanned as the policy asks; empty when it does."""
    reasons = []
    if report.get("SchemaVersion") != SCHEMA_VERSION:
        reasons.append(f"report has schema {report.get('SchemaVersion')!r}, not {SCHEMA_VERSION}")
    if report.get("ArtifactType") != "container_image":
        reasons.append(f"report is about {report.get('ArtifactType')!r}, not a container image")
    scanned = _mapping(report.get("Metadata")).get("ImageID")
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
        reasons += _stale(evidence.get("database"), now)
    return reasons


def _stale(database: Any, now: datetime) -> list[str]:
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


def _findings(report: Mapping[str, Any]) -> tuple[list[ScanFinding], list[str]]:
    """All findings, worst first, and what could not be understood."""
    findings: list[ScanFinding] = []
    reasons: list[str] = []
    results = report.get("Results") or []
    for result in results if isinstance(results, list) else [results]:
        if not isinstance(result, dict):
            reasons.append("report has a result that is no object")
            continue
        target = redact(str(result.get("Target") or "?"))
        if result.get("ExperimentalModifiedFindings"):
            reasons.append(f"findings in {target} were suppressed by something else than the policy")
        for key, value in result.items():
            if key in _FINDINGS:
                for item in value or []:
                    if not isinstance(item, dict):
                        reasons.append(f"report has a finding in {target} that is no object")
                    elif key == "Misconfigurations" and item.get("Status") == "PASS":
                        continue
                    else:
                        findings.append(_finding(key, item, target))
            elif isinstance(value, list) and value and key not in _HARMLESS and not key.startswith("Exp"):
                reasons.append(f"report has findings of an unknown kind: {key}")
    findings.sort(key=lambda finding: (_rank(finding.severity), finding))
    return findings, reasons


def _finding(key: str, item: Mapping[str, Any], target: str) -> ScanFinding:
    """A finding without `Match` and `Code`, which quote the file."""
    severity = str(item.get("Severity") or "UNKNOWN").upper()
    title = redact(str(item.get("Title") or item.get("Message") or ""))[:200]
    if key == "Secrets":
        rule = str(item.get("RuleID") or "?")
        return ScanFinding(severity, rule, "secret", target, title, _line(item.get("StartLine")))
    if key == "Vulnerabilities":
        return ScanFinding(
            severity,
            str(item.get("VulnerabilityID") or "?"),
            "vuln",
            str(item.get("PkgName") or target),
            title,
            installed=str(item.get("InstalledVersion") or ""),
            fixed=str(item.get("FixedVersion") or ""),
        )
    cause = _mapping(item.get("CauseMetadata"))
    return ScanFinding(
        severity,
        str(item.get("AVDID") or item.get("ID") or "?"),
        "misconfig",
        target,
        title,
        _line(cause.get("StartLine")),
    )


def _line(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rank(severity: str) -> int:
    # A severity we never heard of sorts first, as it also blocks.
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _table(title: str, findings: tuple[ScanFinding, ...]) -> list[str]:
    rows = [
        f"| {_cell(f.severity)} | {_cell(f.id)} | {_cell(f.where)}{f':{f.line}' if f.line else ''} "
        f"| {_cell(f.installed)} | {_cell(f.fixed)} | {_cell(f.title)} |"
        for f in findings[:MAX_LISTED]
    ]
    rest = len(findings) - MAX_LISTED
    return [
        f"### {title}",
        "",
        "| severity | id | where | installed | fixed in | what |",
        "|---|---|---|---|---|---|",
        *rows,
        *(["", f"… and {rest} more."] if rest > 0 else []),
    ]


def _cell(text: str) -> str:
    return redact(text).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
