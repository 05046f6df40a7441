"""One run of a Job: made once by its key, waited for by watching, judged by its conditions."""

import time
from dataclasses import dataclass

from towpath.adapters.kubernetes import Cluster, WatchExpiredError
from towpath.applyset.inventory import PART_OF_LABEL, Owner
from towpath.engine.live.observe import wait_gone
from towpath.errors import ConflictError, TransientError
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.redact import redact

ATTEMPT = "towpath.dev/attempt"
"""Annotation: the key of the run that a Job stands for."""
GONE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Job ended; `message` tells why it failed, and where its log is."""

    succeeded: bool
    message: str = ""


def find_run(cluster: Cluster, ref: ObjectRef, key: str) -> Manifest | None:
    """The live Job of this key, whatever its state."""
    live = cluster.get(ref)
    return live if live and _key_of(live) == key else None


def start_run(cluster: Cluster, job: Manifest, owner: Owner, key: str) -> Manifest:
    """Make the Job in place of the one that ran before; ConflictError when that one is not ours."""
    ref = ref_of(job)
    before = cluster.get(ref, metadata_only=True)
    if before:
        if (before["metadata"].get("labels") or {}).get(PART_OF_LABEL) != owner.applyset:
            raise ConflictError(f"{ref}: there is a Job of this name that is not {owner.app}'s")
        cluster.delete(ref, uid=before["metadata"]["uid"])
        if not wait_gone(cluster, ref, GONE_SECONDS):
            raise TransientError(f"{ref}: the run before is still being deleted")
    metadata = job["metadata"]
    labels = {**(metadata.get("labels") or {}), **owner.labels}
    annotations = {**(metadata.get("annotations") or {}), ATTEMPT: key}
    return cluster.create({**job, "metadata": {**metadata, "labels": labels, "annotations": annotations}})


def wait_ended(cluster: Cluster, ref: ObjectRef, uid: str, seconds: float) -> Ended:
    """Watch until the Job has ended; after `seconds` TransientError: it can be waited for again."""
    deadline = time.monotonic() + seconds
    selector = f"metadata.name={ref.name}"
    while True:
        found, since = cluster.list_with_version("batch", "Job", ref.namespace, fields=selector)
        if not any(live["metadata"]["uid"] == uid for live in found):
            return Ended(False, "its Job was deleted before it ended")
        if ended := _ended(found[0]):
            return ended
        left = deadline - time.monotonic()
        if left <= 0:
            raise TransientError(f"{ref}: is still running after {seconds:.0f} s")
        try:
            events = cluster.watch("batch", "Job", ref.namespace, since=since, seconds=left, fields=selector)
            for event in events:
                if event.type == "DELETED" or _condition(event.object):
                    break
        except WatchExpiredError:
            continue


def _ended(live: Manifest) -> Ended | None:
    condition = _condition(live)
    if condition is None:
        return None
    if condition["type"] == "Complete":
        return Ended(True)
    told = f"{condition.get('reason', 'Failed')}: {condition.get('message', '')}"
    return Ended(False, f"{redact(told)}\n{_where_log(ref_of(live))}")


def _condition(live: Manifest) -> dict[str, str] | None:
    conditions = (live.get("status") or {}).get("conditions") or ()
    ends = (c for c in conditions if c.get("type") in ("Complete", "Failed") and c.get("status") == "True")
    return next(ends, None)


def _where_log(ref: ObjectRef) -> str:
    # What is in the log stays there: it may hold anybody's data.
    return f"    its log: kubectl -n {ref.namespace} logs job/{ref.name}"


def _key_of(live: Manifest) -> str:
    return str((live["metadata"].get("annotations") or {}).get(ATTEMPT, ""))
