"""Operators that keep every past outcome as a True condition: only the newest one counts."""

from towpath.health.verdict import (
    Health,
    degraded,
    explain,
    healthy,
    is_true,
    items,
    mapping_at,
    outdated,
    progressing,
)
from towpath.objects import Manifest


def machine_config(manifest: Manifest) -> Health:
    """OpenShift's KubeletConfig: a list of past outcomes, in which the type counts, not the status."""
    history = items(mapping_at(manifest, "status"), "conditions")
    if history and history[-1].get("type") == "Failure":
        return degraded(explain(history[-1]))
    return outdated(manifest) or healthy(explain(history[-1]) if history else "exists")


def outcome(manifest: Manifest) -> Health:
    """Operators of Red Hat's communities of practice: a success and a failure may both be True."""
    history = [
        condition for condition in items(mapping_at(manifest, "status"), "conditions") if is_true(condition)
    ]
    if not history:
        return progressing("its controller has not reported on it yet")
    newest = max(history, key=lambda condition: str(condition.get("lastTransitionTime") or ""))
    if not str(newest.get("type")).startswith("ReconcileSuccess"):
        return degraded(explain(newest))
    return outdated(manifest, newest) or healthy(explain(newest))
