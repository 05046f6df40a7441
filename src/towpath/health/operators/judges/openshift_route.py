"""An OpenShift route, judged by every router that saw it."""

from towpath.health.verdict import (
    Health,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    items,
    mapping_at,
    part_conditions,
    progressing,
)
from towpath.objects import Manifest


def route(manifest: Manifest) -> Health:
    """Admitted by every router; Degraded when one refuses it."""
    routers = items(mapping_at(manifest, "status"), "ingress")
    admitted = 0
    for router in routers:
        admission = part_conditions(router).get("Admitted")
        if admission and is_false(admission):
            return degraded(f"{router.get('routerName') or 'router'}: {explain(admission)}")
        admitted += is_true(admission)
    if routers and admitted == len(routers):
        return healthy(f"admitted by {admitted} routers" if admitted > 1 else "admitted")
    return progressing("no router has admitted it yet")
