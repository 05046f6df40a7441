"""Operators that leave every outcome they ever had as a True condition: the newest one counts."""

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
    """OpenShift's KubeletConfig: a list of the last outcomes; what the type says holds, not the status."""
    told = items(mapping_at(manifest, "status"), "conditions")
    if told and told[-1].get("type") == "Failure":
        return degraded(explain(told[-1]))
    return outdated(manifest) or healthy(explain(told[-1]) if told else "exists")


def outcome(manifest: Manifest) -> Health:
    """Red Hat's communities of practice: a success and a failure stand side by side later."""
    told = [each for each in items(mapping_at(manifest, "status"), "conditions") if is_true(each)]
    if not told:
        return progressing("its controller has not reported on it yet")
    newest = max(told, key=lambda each: str(each.get("lastTransitionTime") or ""))
    if not str(newest.get("type")).startswith("ReconcileSuccess"):
        return degraded(explain(newest))
    return outdated(manifest, newest) or healthy(explain(newest))
