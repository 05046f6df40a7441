"""Waits until a new kind is served, so that objects of it can follow in the same sync."""

import time

from towpath.adapters.kubernetes import Cluster
from towpath.errors import TransientError
from towpath.objects import Manifest, ObjectRef

ESTABLISHED_SECONDS = 30.0
DISCOVERY_PAUSE = 0.1


def wait_established(cluster: Cluster, ref: ObjectRef) -> None:
    """Until the new kind is served; TransientError when that takes too long."""
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    selector = f"metadata.name={ref.name}"
    while True:
        found, version = cluster.list_with_version(ref.group, ref.kind, fields=selector)
        definition = next(filter(_is_established, found), None)
        if definition is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TransientError(f"{ref} is not established after {ESTABLISHED_SECONDS:.0f} s")
            events = cluster.watch(ref.group, ref.kind, since=version, seconds=left, fields=selector)
            definition = next((e.object for e in events if _is_established(e.object)), None)
        if definition is not None:
            break
    kind = (definition["spec"]["group"], definition["spec"]["names"]["kind"])
    # Discovery learns of it a moment after the condition says so, and cannot be watched.
    while kind not in cluster.discover(refresh=True):
        if time.monotonic() > deadline:
            raise TransientError(f"{ref} is established, but not served after {ESTABLISHED_SECONDS:.0f} s")
        time.sleep(DISCOVERY_PAUSE)


def _is_established(definition: Manifest) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)
