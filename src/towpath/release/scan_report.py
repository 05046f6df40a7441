"""Reads the findings out of a Trivy report, without the secrets and source lines that Trivy quotes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from towpath.redact import redact
from towpath.release.scan_policy import END_OF_LIFE, SEVERITIES, canonical_id

# A result may also hold these lists. Any other list is a kind of finding that Towpath does not judge yet.
_NO_FINDINGS = frozenset({"Packages", "Licenses"})
_FINDINGS = ("Secrets", "Vulnerabilities", "Misconfigurations")


@dataclass(frozen=True, slots=True, order=True)
class ScanFinding:
    """One finding. `where` is a file or a package. It never holds the secret or the text around it."""

    severity: str
    id: str
    scanner: str
    where: str
    title: str
    line: int | None = None
    installed: str = ""
    fixed: str = ""
    aliases: tuple[str, ...] = ()
    """Other ids under which a policy may name it."""

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        version = f" {self.installed}" if self.installed else ""
        fixed = f", fixed in {self.fixed}" if self.fixed else ""
        return f"{self.severity} {self.id} in {place}{version}: {self.title}{fixed}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, by field name."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "aliases"}
        return values | ({"aliases": list(self.aliases)} if self.aliases else {})


def read_findings(report: Mapping[str, Any]) -> tuple[list[ScanFinding], list[str]]:
    """(all findings, the most severe first; a reason for each part that was not understood)."""
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
            elif isinstance(value, list) and value and key not in _NO_FINDINGS and not key.startswith("Exp"):
                reasons.append(f"report has findings of an unknown kind: {key}")
    findings += _end_of_life(report)
    findings.sort(key=lambda finding: (_severity_rank(finding.severity), finding))
    return findings, reasons


def operating_system(report: Mapping[str, Any]) -> str:
    """`FAMILY NAME` of the image's distribution; empty when the scanner recognised none, or says `none`."""
    system = mapping_or_empty(mapping_or_empty(report.get("Metadata")).get("OS"))
    if system.get("Family") == "none":
        return ""
    return " ".join(str(system[key]) for key in ("Family", "Name") if system.get(key))


def worst_severities(findings: Iterable[ScanFinding]) -> dict[str, str]:
    """id -> its worst severity, sorted by id."""
    worst: dict[str, str] = {}
    for finding in findings:
        known = worst.get(finding.id)
        if known is None or _severity_rank(finding.severity) < _severity_rank(known):
            worst[finding.id] = finding.severity
    return dict(sorted(worst.items()))


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _finding(key: str, item: Mapping[str, Any], target: str) -> ScanFinding:
    """One item of a result, without `Match` and `Code`, which quote the scanned file."""
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
    cause = mapping_or_empty(item.get("CauseMetadata"))
    aliases = item.get("Aliases")
    names = [item.get("AVDID"), item.get("ID"), *(aliases if isinstance(aliases, list) else ())]
    known = [canonical_id(str(name)) for name in names if name]
    return ScanFinding(
        severity,
        known[0] if known else "?",
        "misconfig",
        target,
        title,
        _line(cause.get("StartLine")),
        aliases=tuple(dict.fromkeys(name for name in known[1:] if name != known[0])),
    )


def _end_of_life(report: Mapping[str, Any]) -> list[ScanFinding]:
    system = mapping_or_empty(mapping_or_empty(report.get("Metadata")).get("OS"))
    if not system.get("EOSL"):
        return []
    title = "gets no security updates any more: its vulnerabilities may be missing here"
    return [ScanFinding("UNKNOWN", END_OF_LIFE, "vuln", operating_system(report), title)]


def _line(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _severity_rank(severity: str) -> int:
    # An unknown severity blocks, so it sorts first.
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
