"""Applies the scan policy to findings: of a new report, and of a scan that was recorded earlier."""

import hashlib
import json
import re
from datetime import UTC, datetime

from towpath.config import ScanIgnore, ScanPolicy
from towpath.release.model import ScanSummary

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
MAX_LISTED = 5
END_OF_LIFE = "end-of-life"
"""Id of the finding that the operating system of the image gets no security updates any more."""
_CHECK = re.compile(r"(?:AVD-)?(?P<provider>[A-Z]{2,})-?(?P<number>[0-9]{3,4})")


def policy_hash(policy: ScanPolicy) -> str:
    """The first twelve hex digits of the policy's SHA-256."""
    values = policy.model_dump(mode="json")
    if values["end_of_life"] == "block":
        del values["end_of_life"]  # as the policies before there was this key
    canonical = json.dumps(values, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def active_ignores(policy: ScanPolicy, now: datetime) -> dict[str, ScanIgnore]:
    """Canonical id of a finding -> the ignore rule that is in force at `now`."""
    today = now.astimezone(UTC).date()
    return {canonical_id(rule.id): rule for rule in policy.ignore if today < rule.until}


def canonical_id(name: str) -> str:
    """`AVD-DS-0002` for a check that Trivy also calls `DS002` and `DS-0002`; any other id unchanged."""
    check = _CHECK.fullmatch(name)
    return f"AVD-{check['provider']}-{int(check['number']):04}" if check else name


def is_blocking(name: str, severity: str, policy: ScanPolicy) -> bool:
    """Whether the policy blocks a finding, without regard to its ignore rules."""
    if name == END_OF_LIFE:
        return "vuln" in policy.scanners and policy.end_of_life == "block"
    return is_severe(severity, policy)


def is_severe(severity: str, policy: ScanPolicy) -> bool:
    """Whether a finding of this severity blocks. An unknown severity does."""
    return severity in policy.block or severity not in SEVERITIES


def recorded_scan_problem(scan: ScanSummary, policy: ScanPolicy, *, now: datetime) -> str:
    """Why a recorded scan does not satisfy the policy at `now`; empty when it does.

    Since the scan the policy may have become stricter, or an ignore rule may have ended. Without recorded
    findings their counts decide: a count of a severity that blocks is enough to refuse, unless the policy is
    the same.
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
    return (
        _unrecorded_problem(scan, policy)
        if scan.findings is None
        else _blocking_problem(scan.findings, policy, now)
    )


def _blocking_problem(findings: dict[str, str], policy: ScanPolicy, now: datetime) -> str:
    rules = active_ignores(policy, now)
    blocking = [
        f"{severity} {name}"
        for name, severity in sorted(findings.items())
        if is_blocking(name, severity, policy) and canonical_id(name) not in rules
    ]
    if not blocking:
        return ""
    more = f" and {len(blocking) - MAX_LISTED} more" if len(blocking) > MAX_LISTED else ""
    return f"would be blocked by today's scan policy: {', '.join(blocking[:MAX_LISTED])}{more}"


def _unrecorded_problem(scan: ScanSummary, policy: ScanPolicy) -> str:
    counted = [f"{scan.counts[name]} {name}" for name in policy.block if scan.counts.get(name)]
    if not counted or scan.policy == policy_hash(policy):
        return ""
    listed = ", ".join(counted)
    return f"was scanned by another policy, and which {listed} it has is not recorded; deliver it again"
