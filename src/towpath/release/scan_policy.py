"""What the scan policy says about findings: of a report that comes in, and of a scan recorded long ago."""

import hashlib
import json
from datetime import UTC, datetime

from towpath.config import ScanIgnore, ScanPolicy
from towpath.release.model import ScanSummary

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
MAX_LISTED = 5


def policy_hash(policy: ScanPolicy) -> str:
    """Twelve hex digits that change with the policy."""
    canonical = json.dumps(policy.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def active_ignores(policy: ScanPolicy, now: datetime) -> dict[str, ScanIgnore]:
    """id -> the rule that lets it pass now."""
    return {rule.id: rule for rule in policy.ignore if now.astimezone(UTC).date() < rule.until}


def is_severe(severity: str, policy: ScanPolicy) -> bool:
    """Whether a finding of this severity blocks; one that nobody has heard of does."""
    return severity in policy.block or severity not in SEVERITIES


def recorded_scan_problem(scan: ScanSummary, policy: ScanPolicy, *, now: datetime) -> str:
    """Why a recorded scan is not enough by the policy of now; empty when it is.

    The policy may have become stricter since, or an ignore rule may have ended. Where the findings are not
    recorded their numbers decide: none of a severity that blocks is enough, others may have been ignored.
    """
    missing = sorted(set(policy.scanners) - set(scan.scanners))
    if not policy.scanners:
        return ""
    if scan.status == "blocked":
        return "is blocked by its scan"
    if scan.status != "passed":
        return "was not scanned"
    if missing:
        return f"was not scanned for {', '.join(missing)}"
    return _uncounted(scan, policy) if scan.findings is None else _blocked(scan.findings, policy, now)


def _blocked(findings: dict[str, str], policy: ScanPolicy, now: datetime) -> str:
    rules = active_ignores(policy, now)
    blocking = [
        f"{severity} {name}"
        for name, severity in sorted(findings.items())
        if is_severe(severity, policy) and name not in rules
    ]
    if not blocking:
        return ""
    more = f" and {len(blocking) - MAX_LISTED} more" if len(blocking) > MAX_LISTED else ""
    return f"would be blocked by today's scan policy: {', '.join(blocking[:MAX_LISTED])}{more}"


def _uncounted(scan: ScanSummary, policy: ScanPolicy) -> str:
    counted = [f"{scan.counts[name]} {name}" for name in policy.block if scan.counts.get(name)]
    if not counted or scan.policy == policy_hash(policy):
        return ""
    listed = ", ".join(counted)
    return f"was scanned by another policy, and which {listed} it has is not recorded; deliver it again"
