"""Operators that leave every outcome they ever had as a True condition: the newest one counts."""

from towpath.health.verdict import Health, behind, degraded, healthy, is_true, items, part, progressing, why
from towpath.objects import Manifest


def machine_config(manifest: Manifest) -> Health:
    """OpenShift's KubeletConfig: a list of the last outcomes; what the type says holds, not the status."""
    told = items(part(manifest, "status"), "conditions")
    if told and told[-1].get("type") == "Failure":
        return degraded(why(told[-1]))
    return behind(manifest) or healthy(why(told[-1]) if told else "exists")


def outcome(manifest: Manifest) -> Health:
    """Red Hat's communities of practice: a success and a failure stand side by side later."""
    told = [each for each in items(part(manifest, "status"), "conditions") if is_true(each)]
    if not told:
        return progressing("its controller has not reported on it yet")
    newest = max(told, key=lambda each: str(each.get("lastTransitionTime") or ""))
    if not str(newest.get("type")).startswith("ReconcileSuccess"):
        return degraded(why(newest))
    return behind(manifest, newest) or healthy(why(newest))
