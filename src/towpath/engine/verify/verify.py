"""Verify: wait by watching until an app is healthy or hopeless, see that the release runs, then ask it.

Healthy is believed after it held for a moment and a second, consistent read of the API server says the same.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from towpath.adapters.kubernetes import Cluster, ServiceAnswer
from towpath.config import App, Environment
from towpath.engine.live.app_state import read_app_state
from towpath.engine.live.pods import WORKLOADS, Snapshot
from towpath.engine.live.watch_cache import Collection, LivePicture, Watchable
from towpath.engine.source.render import Rendered
from towpath.engine.verify.diagnose import explain
from towpath.engine.verify.rollout_status import NO_JUDGES, RolloutStatus, rollout_status
from towpath.engine.verify.smoke import SmokeResult, addressed, run_smoke_checks, run_smoke_jobs
from towpath.errors import TransientError, VerifyError
from towpath.health import ObjectHealth, Status, assess
from towpath.health.assess import Judges, healthy_once_present
from towpath.objects import Manifest, ObjectRef, ref_of

STABLE = 1.0
"""Seconds that health must hold before it is read a second time."""
_MAX_EXPLAINED = 5


class VerifyCluster(Watchable, Protocol):
    """What verifying asks of a cluster."""

    def get(self, ref: ObjectRef) -> Manifest | None: ...

    def service_proxy(
        self, namespace: str, service: str, port: int | str, path: str = "/", *, timeout: float = 10.0
    ) -> ServiceAnswer: ...

    def pod_logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        lines: int = 20,
        previous: bool = False,
    ) -> str: ...

    def events(self, ref: ObjectRef, *, uid: str | None = None) -> list[Manifest]: ...


@dataclass(frozen=True, slots=True)
class Verification:
    """Evidence that an app is healthy: a verdict per object, the pods and what they run, smoke answers."""

    healthy: bool
    verdicts: tuple[ObjectHealth, ...]
    smoke: tuple[SmokeResult, ...]
    images: tuple[str, ...]
    seconds: float

    def summary(self) -> str:
        """One line."""
        parts = [f"{len(self.verdicts)} objects healthy", f"{len(self.images)} pods run the release"]
        if self.smoke:
            parts.append(f"{len(self.smoke)} smoke checks passed")
        return f"{', '.join(parts)} ({self.seconds:.1f} s)"

    def to_json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "smoke": [result.to_json() for result in self.smoke],
            "images": list(self.images),
            "seconds": round(self.seconds, 3),
        }


def verify_app(  # noqa: PLR0913
    cluster: Cluster,
    rendered: Rendered,
    app: App,
    environment: Environment,
    release_digest: str | None,
    *,
    deadline: timedelta,
    own: Judges = NO_JUDGES,
    on_progress: Callable[[str], None] | None = None,
) -> Verification:
    """Wait until everything is healthy, then run the smoke checks; `own` are the user's judges.

    What somebody has deleted by hand where drift is allowed is not missed.

    Raises VerifyError, naming each offender with its pod's reason and last log lines, when the deadline has
    passed or nothing but a change can help; TransientError when the cluster could not be read at all.
    """
    started = time.monotonic()
    end = started + deadline.total_seconds()
    rendered = without_allowed(cluster, rendered, environment)
    image = app.image if release_digest else None
    say = on_progress or _say_nothing
    rollout, snapshot = _wait(cluster, rendered, image, release_digest, end, say, own)
    if not rollout.good:
        raise failed_error(cluster, rollout, snapshot, rendered, time.monotonic() - started)
    smoke = run_smoke_checks(cluster, environment.namespace, addressed(app.smoke, environment), end)
    smoke += run_smoke_jobs(cluster, rendered, app.smoke, end)
    if failed := [result for result in smoke if not result.passed]:
        raise VerifyError(
            f"app {rendered.app} in {rendered.environment} is healthy, but fails its smoke checks:\n"
            + "\n".join(f"  {result}" for result in failed)
        )
    seconds = time.monotonic() - started
    return Verification(True, rollout.verdicts, smoke, rollout.images, seconds)


def without_allowed(cluster: Cluster, rendered: Rendered, environment: Environment) -> Rendered:
    """Without objects that a sync has left deleted, because the app's mode is not to heal."""
    if environment.drift_mode_of(rendered.app) == "heal":
        return rendered
    app_states = read_app_state(cluster, rendered, environment)
    gone = {ref for ref in app_states.drifted() if app_states.metadata(ref) is None}
    return replace(rendered, objects=tuple(m for m in rendered.objects if ref_of(m) not in gone))


def _wait(  # noqa: PLR0913, PLR0917
    cluster: VerifyCluster,
    rendered: Rendered,
    image: str | None,
    digest: str | None,
    end: float,
    say: Callable[[str], None],
    own: Judges,
) -> tuple[RolloutStatus, Snapshot]:
    """The last status, and the snapshot it is about: good, hopeless, or the one at the deadline."""
    moving, still = collections_of(rendered)
    fixed = _read_each(cluster, still)
    moving = sorted({*moving, *(_collection(ref) for ref, live in fixed.items() if _is_restless(live, own))})
    rollout: RolloutStatus | None = None
    snapshot: Snapshot = {}
    said, good_since = "", None
    with LivePicture(cluster, moving) as picture:
        while True:
            version, seen = picture.snapshot()
            now = time.monotonic()
            if seen is not None:
                snapshot = {**fixed, **seen}
                rollout = rollout_status(rendered.objects, snapshot, image, digest, own)
                if rollout.line() != said:
                    said = rollout.line()
                    say(said)
                if rollout.hopeless:
                    return rollout, snapshot
                good_since = (good_since or now) if rollout.good else None
                if good_since is not None and now - good_since >= STABLE:
                    snapshot = {**_read_each(cluster, still), **_read_all(cluster, moving)}
                    rollout = rollout_status(rendered.objects, snapshot, image, digest, own)
                    if rollout.good or rollout.hopeless:
                        return rollout, snapshot
                    good_since = None
            if now >= end:
                if rollout is None:
                    raise picture.trouble or TransientError("the cluster could not be read in time")
                return rollout, snapshot
            # Health that holds is looked at again soon, anything else when something changes.
            until = min(end, good_since + STABLE) if good_since is not None else end
            picture.wait(version, until - now)


def collections_of(rendered: Rendered) -> tuple[list[Collection], list[ObjectRef]]:
    """What has to be watched, and the objects for which it is enough that they exist."""
    moving: set[Collection] = set()
    still: list[ObjectRef] = []
    for manifest in rendered.objects:
        ref = ref_of(manifest)
        if healthy_once_present(ref.group, ref.kind):
            still.append(ref)
        else:
            moving.add(_collection(ref))
        if (ref.group, ref.kind) in WORKLOADS:
            moving.add(Collection("", "Pod", ref.namespace))
        if (ref.group, ref.kind) == ("apps", "Deployment"):
            moving.add(Collection("apps", "ReplicaSet", ref.namespace))
    return sorted(moving), still


def _collection(ref: ObjectRef) -> Collection:
    if ref.namespace:
        return Collection(ref.group, ref.kind, ref.namespace)
    return Collection(ref.group, ref.kind, name=ref.name)


def _is_restless(live: Manifest, own: Judges) -> bool:
    """Whether one for which existing is enough says all the same that it is on its way."""
    return assess(live, own).status is not Status.HEALTHY


def _read_each(cluster: VerifyCluster, refs: list[ObjectRef]) -> dict[ObjectRef, Manifest]:
    found = {}
    for ref in refs:
        live = cluster.get(ref)
        if live is not None:
            found[ref] = live
    return found


def _read_all(cluster: VerifyCluster, collections: list[Collection]) -> dict[ObjectRef, Manifest]:
    found = {}
    for each in collections:
        listed = cluster.list_with_version(each.group, each.kind, each.namespace or None, fields=each.fields)
        found.update({ref_of(item): item for item in listed[0]})
    return found


def failed_error(
    cluster: VerifyCluster,
    rollout: RolloutStatus,
    snapshot: Mapping[ObjectRef, Manifest],
    rendered: Rendered,
    seconds: float,
) -> VerifyError:
    """Each offender with what its cluster can tell about it."""
    offenders = rollout.hopeless or rollout.offenders
    lines = []
    for each in offenders[:_MAX_EXPLAINED]:
        lines.append(f"{each.ref}: {each.health.status}: {each.health.message}")
        live = snapshot.get(each.ref)
        if live is not None:
            lines.extend(f"  {line}" for line in explain(cluster, live, snapshot))
    if len(offenders) > _MAX_EXPLAINED:
        lines.append(f"and {len(offenders) - _MAX_EXPLAINED} more")
    if not offenders:
        lines.extend(rollout.wrong_images[:_MAX_EXPLAINED])
    how = "cannot become healthy" if rollout.hopeless else "did not become healthy in time"
    listed = "\n".join(f"  {line}" for line in lines)
    return VerifyError(f"app {rendered.app} in {rendered.environment} {how} ({seconds:.0f} s):\n{listed}")


def _say_nothing(_line: str) -> None:
    pass
