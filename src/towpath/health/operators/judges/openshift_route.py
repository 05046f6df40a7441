"""An OpenShift route: every router that saw it has a say."""

from towpath.health.verdict import (
    Health,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    items,
    mapping_at,
    progressing,
)
from towpath.objects import Manifest


def route(manifest: Manifest) -> Health:
    """Admitted by every router; Degraded when one refuses it."""
    routers = items(mapping_at(manifest, "status"), "ingress")
    admitted = 0
    for router in routers:
        told = {str(each.get("type")): each for each in items(router, "conditions")}.get("Admitted")
        if told and is_false(told):
            return degraded(f"{router.get('routerName') or 'router'}: {explain(told)}")
        admitted += is_true(told)
    if routers and admitted == len(routers):
        return healthy(f"admitted by {admitted} routers" if admitted > 1 else "admitted")
    return progressing("no router has admitted it yet")
