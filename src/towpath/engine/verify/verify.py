"""Verify: wait until apps are healthy, see that the releases run, then ask them by smoke checks."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.config import App, Config, Environment
from towpath.engine.live.app_state import owner_of, read_app_state
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.context import Tell
from towpath.engine.live.observe import read_inventory
from towpath.engine.source.render import Rendered
from towpath.engine.verify.failure_details import explain
from towpath.engine.verify.health_snapshot import health_of, read_picture
from towpath.engine.verify.rollout_status import NO_JUDGES, RolloutStatus
from towpath.engine.verify.smoke import SmokeResult, addressed, run_smoke_checks, run_smoke_jobs
from towpath.engine.verify.wait import Awaited, Candidate, wait_healthy
from towpath.errors import TowpathError, TransientError, VerifyError
from towpath.health import ObjectHealth
from towpath.health.assess import Judges
from towpath.health.expressions import judges_of
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import Images

_MAX_EXPLAINED = 5
AT_ONCE = 0.5
"""Seconds within which a smoke check that fails may be asked again, where nothing is to be waited for."""


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
    images: Images,
    *,
    deadline: timedelta,
    own: Judges = NO_JUDGES,
    on_progress: Callable[[str], None] | None = None,
) -> Verification:
    """Of what was just synced: wait until all is healthy and runs `images`, then run the smoke checks.

    `own` are the user's judges.

    What somebody has deleted by hand where drift is allowed is not missed.

    Raises VerifyError, naming each offender with its pod's reason and where its log is, when the deadline has
    passed or nothing but a change can help; TransientError when the cluster could not be read at all, or when
    somebody has deleted an object meanwhile, which only another sync makes again.
    """
    started = time.monotonic()
    end = started + deadline.total_seconds()
    rendered = without_allowed(cluster, rendered, environment)
    candidate = Candidate(rendered, images, whole=True, synced=True)
    tell = on_progress or _tell_nobody
    awaited = wait_healthy(cluster, [candidate], own, end, lambda _, line: tell(line))[rendered.app]
    rollout = _require_healthy(cluster, rendered, awaited)
    smoke = _require_smoke(cluster, rendered, app, environment, end)
    return Verification(True, rollout.verdicts, smoke, rollout.images, time.monotonic() - started)


def verify_all(
    cluster: Cluster, config: Config, environment: Environment, candidates: Sequence[Candidate], tell: Tell
) -> dict[str, TowpathError | None]:
    """By app: None when it is healthy and answers its smoke checks, else why not. Raises nothing of ours."""
    end = time.monotonic() + environment.timeout.total_seconds()
    own = judges_of(config.health_check_exprs)
    try:
        awaited = wait_healthy(cluster, candidates, own, end, lambda app, line: tell(f"{app}: {line}"))
    except TowpathError as error:
        return {candidate.app: error for candidate in candidates}

    def verify(candidate: Candidate) -> tuple[str, TowpathError | None]:
        app = config.app(candidate.app)
        try:
            _require_healthy(cluster, candidate.rendered, awaited[candidate.app])
            _require_smoke(cluster, candidate.rendered, app, environment, end)
        except TowpathError as error:
            return candidate.app, error
        return candidate.app, None

    return dict(concurrently(verify, candidates))


def verify_at_once(
    cluster: Cluster, config: Config, environment: Environment, candidates: Sequence[Candidate]
) -> dict[str, TowpathError | None]:
    """As `verify_all`, by one look: nothing is waited for, and no smoke check is asked again."""
    own, end = judges_of(config.health_check_exprs), time.monotonic() + AT_ONCE
    try:
        picture = read_picture(cluster, (candidate.rendered for candidate in candidates))
    except TowpathError as error:
        return {candidate.app: error for candidate in candidates}

    def verify(candidate: Candidate) -> tuple[str, TowpathError | None]:
        rendered, app = candidate.rendered, config.app(candidate.app)
        rollout = picture.judge(rendered, candidate.images, own)
        if not rollout.good:
            return candidate.app, VerifyError(health_of(rollout).message)
        try:
            _require_smoke(cluster, rendered, app, environment, end)
        except TowpathError as error:
            return candidate.app, error
        return candidate.app, None

    return dict(concurrently(verify, candidates))


def _require_healthy(cluster: Cluster, rendered: Rendered, awaited: Awaited) -> RolloutStatus:
    if awaited.rollout is None:
        raise awaited.trouble or TransientError("the cluster could not be read in time")
    missing = awaited.rollout.missing
    if missing and all(each.ref in missing for each in awaited.rollout.hopeless):
        raise _deleted(rendered, missing)
    if not awaited.rollout.good:
        raise failed_error(cluster, awaited.rollout, awaited.snapshot, rendered, awaited.seconds)
    return awaited.rollout


def _deleted(rendered: Rendered, missing: Sequence[ObjectRef]) -> TransientError:
    named = ", ".join(map(str, missing[:_MAX_EXPLAINED]))
    return TransientError(
        f"app {rendered.app} in {rendered.environment}: deleted while it was verified: {named}",
        remedy="The next reconcile makes it again.",
    )


def _require_smoke(
    cluster: Cluster, rendered: Rendered, app: App, environment: Environment, end: float
) -> tuple[SmokeResult, ...]:
    namespace = environment.namespace_of(app.name)
    results = run_smoke_checks(cluster, namespace, addressed(app.smoke, environment, app.name), end)
    results += run_smoke_jobs(cluster, rendered, app.smoke, end)
    if failed := [result for result in results if not result.passed]:
        raise VerifyError(
            f"app {rendered.app} in {rendered.environment} is healthy, but fails its smoke checks:\n"
            + "\n".join(f"  {result}" for result in failed)
        )
    return results


def without_allowed(cluster: Cluster, rendered: Rendered, environment: Environment) -> Rendered:
    """Without objects that a sync has left deleted, because the app's mode is not to heal."""
    if environment.drift_mode_of(rendered.app) == "heal":
        return rendered
    app_state = read_app_state(cluster, rendered, environment)
    gone = {ref for ref in app_state.drifted() if app_state.metadata(ref) is None}
    return replace(rendered, objects=tuple(m for m in rendered.objects if ref_of(m) not in gone))


def failed_error(
    cluster: Cluster,
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
    message = f"app {rendered.app} in {rendered.environment} {how} ({seconds:.0f} s):\n{listed}"
    return VerifyError(message, remedy=_may_be_in_the_way(cluster, rendered))


def _may_be_in_the_way(cluster: Cluster, rendered: Rendered) -> str | None:
    """What left Git and is still there: it may have a volume or host port that the new version waits for."""
    try:
        inventory, _ = read_inventory(cluster, owner_of(rendered))
    except TowpathError:
        return None
    if inventory is None or not inventory.deletions:
        return None
    named = ", ".join(map(str, inventory.deletions[:_MAX_EXPLAINED]))
    more = len(inventory.deletions) - _MAX_EXPLAINED
    named += f" and {more} more" if more > 0 else ""
    return (
        f"Nothing that left Git is deleted yet: {named}. If one of these has what the new version needs (a"
        f" volume, a host port), annotate it with `{PRUNE_ANNOTATION}: first`."
    )


def _tell_nobody(_line: str) -> None:
    pass
