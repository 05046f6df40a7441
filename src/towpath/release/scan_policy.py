"""Applies the scan policy to findings."""

import hashlib
import json
import re
from datetime import UTC, datetime

from towpath.config import ScanIgnore, ScanPolicy

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
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
