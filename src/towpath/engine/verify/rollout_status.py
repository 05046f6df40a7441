"""What one look at the cluster says about an app: a verdict per object, and what its pods run. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from towpath.engine.live.pods import (
    WORKLOADS,
    Snapshot,
    current_pods,
    current_replica_set,
    other_images,
    pods_wanted,
    uses_image,
)
from towpath.health import Health, ObjectHealth, Status, assess
from towpath.health.assess import Judges, healthy_once_present
from towpath.health.builtin.workloads import container_trouble
from towpath.health.verdict import conditions_by_type
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import Images

NO_JUDGES: Judges = {}
UNCONSUMED = "its class binds it to a volume when the first pod uses it; none does"
COMPLETE = "completed; deleted by the cluster after its time to live"
_GOOD = frozenset({Status.HEALTHY, Status.SUSPENDED, Status.UNKNOWN})
"""Unknown is told but does not hold up: an object whose kind has no status can never be judged."""


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """One look at everything: verdicts of objects, and what pods run that they should not."""

    verdicts: tuple[ObjectHealth, ...]
    wrong_images: tuple[str, ...]
    images: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.wrong_images and not self.offenders

    @property
    def offenders(self) -> tuple[ObjectHealth, ...]:
        return tuple(each for each in self.verdicts if not _settled(each))

    @property
    def hopeless(self) -> tuple[ObjectHealth, ...]:
        return tuple(each for each in self.offenders if each.health.final)

    @property
    def missing(self) -> tuple[ObjectRef, ...]:
        """Objects that are not in the cluster."""
        return tuple(each.ref for each in self.offenders if each.health.status is Status.MISSING)

    def line(self) -> str:
        """The first thing still waited for."""
        for each in self.offenders:
            return f"{each.ref}: {each.health.message}"
        return self.wrong_images[0] if self.wrong_images else "healthy"


def rollout_status(  # noqa: PLR0913
    objects: tuple[Manifest, ...],
    snapshot: Snapshot,
    images: Images = (),
    own: Judges = NO_JUDGES,
    *,
    finished: Collection[ObjectRef] = (),
    unconsumed: Collection[ObjectRef] = (),
) -> RolloutStatus:
    """Pure: what a snapshot of the cluster says about the objects, and whether pods run `images`.

    `finished` are objects that ended well and that the cluster has deleted since; `unconsumed` are volume
    claims that are bound only when a pod uses them, which none does.
    """
    verdicts: list[ObjectHealth] = []
    wrong: list[str] = []
    running: list[str] = []
    for manifest in objects:
        ref = ref_of(manifest)
        live = snapshot.get(ref)
        if ref in finished and (live is None or "deletionTimestamp" in live["metadata"]):
            verdicts.append(ObjectHealth(ref, Health(Status.HEALTHY, COMPLETE)))
            continue
        if live is None:
            # What no controller makes does not come back by waiting.
            final = healthy_once_present(ref.group, ref.kind)
            verdicts.append(ObjectHealth(ref, Health(Status.MISSING, "is not in the cluster", final)))
            continue
        if ref in unconsumed:
            verdicts.append(ObjectHealth(ref, Health(Status.HEALTHY, UNCONSUMED)))
            continue
        pods = current_pods(live, snapshot) if (ref.group, ref.kind) in WORKLOADS else []
        verdicts.append(ObjectHealth(ref, _health(live, pods, snapshot, own)))
        if used := [each for each in images if uses_image(manifest, each.image)]:
            if len(pods) < pods_wanted(live):
                wrong.append(
                    f"{ref}: {len(pods)} of {pods_wanted(live)} pods of the newest revision are there"
                )
            for pod in pods:
                name = f"Pod {ref_of(pod).namespace}/{ref_of(pod).name}"
                others = [
                    f"{name}: {other}, not {each.digest}"
                    for each in used
                    for other in other_images(pod, each.image, each.digest)
                ]
                wrong.extend(others)
                if not others:
                    running.append(f"{name} {', '.join(each.reference for each in used)}")
    return RolloutStatus(tuple(verdicts), tuple(wrong), tuple(running))


def _health(live: Manifest, pods: list[Manifest], snapshot: Snapshot, own: Judges) -> Health:
    health = assess(live, own)
    if health.status is Status.DEGRADED and _deadline_of_an_older_revision(live, snapshot):
        return Health(Status.PROGRESSING, "its controller still tells of the revision before")
    if health.status in _GOOD or health.final:
        return health
    for pod in pods:
        trouble = container_trouble(pod)
        if trouble and trouble.final:
            message = f"{health.message}; Pod {pod['metadata']['name']}: {trouble.message}"
            return replace(trouble, message=message)
    return health


def _deadline_of_an_older_revision(live: Manifest, snapshot: Snapshot) -> bool:
    """After a rollback to an old ReplicaSet the condition about the failed one stands for a moment."""
    progress = conditions_by_type(live).get("Progressing", {})
    if live["kind"] != "Deployment" or progress.get("reason") != "ProgressDeadlineExceeded":
        return False
    replica_set = current_replica_set(live, snapshot)
    return replica_set is not None and f'"{replica_set["metadata"]["name"]}"' not in str(
        progress.get("message")
    )


def _settled(each: ObjectHealth) -> bool:
    # A CronJob's runs come and go by the clock; they say nothing about this release.
    return each.health.status in _GOOD or (
        each.ref.kind == "CronJob" and each.health.status is not Status.MISSING
    )
