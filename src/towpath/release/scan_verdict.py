"""The verdict about the scan of one image: as an error, as JSON and as a Markdown report."""

from dataclasses import dataclass
from typing import Any

from towpath.config import ScanIgnore
from towpath.errors import RefusedError
from towpath.printable import pluralize
from towpath.redact import redact
from towpath.release.model import ScanSummary
from towpath.release.scan_policy import SEVERITIES
from towpath.release.scan_report import ScanFinding

NO_SYSTEM = "none recognised, so that no package of a distribution was looked up"
MAX_LISTED = 50
"""Findings that an error or a table of the report lists."""


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """Whether an image may be released. `blocked_by` are the findings that the policy blocks.

    `reasons` say why the image counts as not scanned; there are none when the report proves the scan.
    """

    summary: ScanSummary
    findings: tuple[ScanFinding, ...]
    blocked_by: tuple[ScanFinding, ...]
    ignored: tuple[tuple[ScanFinding, ScanIgnore], ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the image was scanned as the policy asks, and no finding blocks it."""
        return self.summary.status == "passed"

    def require_passed(self, image: str) -> None:
        """Raise RefusedError unless the image passed; `image` is its name in the error."""
        if self.reasons:
            raise RefusedError(
                f"{image} counts as not scanned: {'; '.join(self.reasons)}",
                remedy="Nothing was pushed. Scan again when the scanner works: `towpath doctor`.",
            )
        if not self.passed:
            listed = [f"  {finding}" for finding in self.blocked_by[:MAX_LISTED]]
            raise RefusedError(
                "\n".join([f"{image} is blocked by {pluralize(len(self.blocked_by), 'finding')}:", *listed]),
                remedy="Nothing was pushed. Fix them, or let one pass until a date by `scan.ignore`.",
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for the record of the scan in the registry."""
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
        """The report for people: the verdict, what blocks, what the policy ignores, the other findings."""
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
        listed = {*self.blocked_by, *(finding for finding, _ in self.ignored)}
        others = tuple(finding for finding in self.findings if finding not in listed)
        lines += ["", *_table("Below the policy's limit", others)] if others else []
        scanners = ", ".join(summary.scanners) or "none"
        lines += [
            "",
            f"Operating system: {_cell(summary.os) or NO_SYSTEM}.",
            f"Scanners: {scanners}. Trivy {summary.scanner_version or '?'}. Policy {summary.policy}.",
        ]
        return "\n".join(lines) + "\n"

    def headline(self) -> str:
        """One line: the number of findings by severity, or `nothing found`."""
        counts = [
            f"{self.summary.counts[name]} {name}" for name in SEVERITIES if self.summary.counts.get(name)
        ]
        return ", ".join(counts) or "nothing found"


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
