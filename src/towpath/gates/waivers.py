"""Which checks each way of a release into an environment may waive: one table, repeated in the docs. Pure.

docs/reference/admission.md has the same rows; a test compares them.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from towpath.gates.ways import Way

Check = Literal["evidence", "scan", "quarantine", "pause", "verified here", "order", "soak", "approvals"]
CHECKS: tuple[Check, ...] = get_args(Check)

Ruling = Literal["asked", "waived", "told", "by owner", "of then"]
"""What becomes of a check.

asked      it must hold now
waived     it is not asked
told       it is not asked for, and what it would say is told
by owner   it must hold now, or an owner has signed that it need not
of then    the approvals count that were given when it came in before
"""

WAIVERS: Mapping[Way, Mapping[Check, Ruling]] = {
    "promotion": {
        "evidence": "asked",
        "scan": "asked",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "waived",
        "order": "asked",
        "soak": "asked",
        "approvals": "asked",
    },
    "break-glass": {
        "evidence": "asked",
        "scan": "asked",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "waived",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
    "rollback": {
        "evidence": "asked",
        "scan": "asked",
        "quarantine": "by owner",
        "pause": "waived",
        "verified here": "asked",
        "order": "waived",
        "soak": "waived",
        "approvals": "of then",
    },
    "automatic rollback": {
        "evidence": "asked",
        "scan": "told",
        "quarantine": "asked",
        "pause": "waived",
        "verified here": "asked",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
    "merge": {
        "evidence": "asked",
        "scan": "asked",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "waived",
        "order": "asked",
        "soak": "asked",
        "approvals": "asked",
    },
    "merged return": {
        "evidence": "asked",
        "scan": "asked",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "asked",
        "order": "waived",
        "soak": "waived",
        "approvals": "of then",
    },
    "finish": {
        "evidence": "waived",
        "scan": "waived",
        "quarantine": "asked",
        "pause": "waived",
        "verified here": "waived",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
    "rebuild": {
        "evidence": "waived",
        "scan": "waived",
        "quarantine": "waived",
        "pause": "waived",
        "verified here": "waived",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
    "verified change": {
        "evidence": "waived",
        "scan": "waived",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "waived",
        "order": "asked",
        "soak": "asked",
        "approvals": "waived",
    },
    "change rollback": {
        "evidence": "waived",
        "scan": "waived",
        "quarantine": "asked",
        "pause": "waived",
        "verified here": "asked",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
    "change": {
        "evidence": "waived",
        "scan": "waived",
        "quarantine": "asked",
        "pause": "asked",
        "verified here": "waived",
        "order": "waived",
        "soak": "waived",
        "approvals": "waived",
    },
}
