"""Judges a scan that was recorded earlier by the scan policy of now."""

from datetime import datetime

from towpath.config import ScanPolicy
from towpath.release.model import ScanSummary
from towpath.release.scan_policy import active_ignores, canonical_id, is_blocking, policy_hash

MAX_LISTED = 5


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
