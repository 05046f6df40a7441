"""Waits until what Git has of an app is applied, and until it is healthy."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from towpath.adapters.kubernetes import Cluster, Collection
from towpath.applyset.digest_key import key_of, key_ref
from towpath.applyset.inventory import Owner
from towpath.applyset.inventory_configmap import from_configmap
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.live.watch_cache import LivePicture
from towpath.engine.source.render import Rendered
from towpath.engine.source.render_changed import render_released
from towpath.engine.verify.verify import failed_error, without_allowed
from towpath.engine.verify.wait import Candidate, wait_healthy
from towpath.errors import RefusedError, TransientError
from towpath.health import ObjectHealth
from towpath.health.expressions import judges_of
from towpath.objects import Manifest

Outcome = Literal["reached", "hopeless", "timeout"]
"""As asked; only a change can help; not in time."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AppWait:
    """How waiting ended. `synced` and `healthy` are None where nobody asked or it was not looked at."""

    outcome: Outcome
    release: str
    seconds: float
    synced: bool | None = None
    healthy: bool | None = None
    message: str = ""
    verdicts: tuple[ObjectHealth, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "outcome": self.outcome,
            "release": self.release or None,
            "synced": self.synced,
            "healthy": self.healthy,
            "seconds": round(self.seconds, 3),
            "message": self.message,
            "objects": [verdict.to_json() for verdict in self.verdicts],
        }


def wait_for_app(  # noqa: PLR0913
    context: EnvironmentContext, app: str, *, healthy: bool, synced: bool, seconds: float, tell: Tell
) -> AppWait:
    """Watch the cluster until what Git has now is live, as far as is asked. Writes nothing.

    Raises RefusedError for an app that is not released there, and what cannot be rendered or read.
    """
    repo, environment = context.repo, context.environment
    started = time.monotonic()
    end = started + seconds
    repo.config.app(app)
    if app not in repo.released_apps(environment.name):
        raise RefusedError(
            f"{app} is not released in {environment.name}, so there is nothing to wait for",
            remedy=f"`towpath status --environment {environment.name}` shows what is.",
        )
    result = render_released(repo, environment, app, tools=context.tools, cache=context.renders)
    release = result.release.id
    applied = wait_synced(context.cluster, result.rendered, end, tell) if synced else None
    if applied is False:
        message = f"what Git has at {repo.commit[:7]} was not applied in time"
        return AppWait("timeout", release, time.monotonic() - started, False, None, message)
    if not healthy:
        return AppWait("reached", release, time.monotonic() - started, applied)
    rendered = without_allowed(context.cluster, result.rendered, environment)
    candidate = Candidate(rendered, result.release.images, whole=True)
    own = judges_of(repo.config.health_check_exprs)
    awaited = wait_healthy(context.cluster, [candidate], own, end, lambda _, line: tell(line))[app]
    taken = time.monotonic() - started
    rollout = awaited.rollout
    if rollout is None:
        raise awaited.trouble or TransientError("the cluster could not be read in time")
    if rollout.good:
        return AppWait("reached", release, taken, applied, True, "", rollout.verdicts)
    error = failed_error(context.cluster, rollout, awaited.snapshot, rendered, taken)
    outcome: Outcome = "hopeless" if rollout.hopeless else "timeout"
    return AppWait(outcome, release, taken, applied, False, error.message, rollout.verdicts)


def wait_synced(cluster: Cluster, rendered: Rendered, end: float, tell: Tell) -> bool:
    """Watch the inventory until its last whole sync is of these objects; False when it is not by `end`.

    Raises TransientError when the cluster could not be read by then.
    """
    owner, told = owner_of(rendered), False
    with LivePicture(cluster, [Collection("", "ConfigMap", owner.namespace, owner.ref.name)]) as live:
        while True:
            version, objects = live.snapshot()
            inventory = objects.get(owner.ref) if objects else None
            if inventory is not None and _is_synced(cluster, inventory, rendered, owner):
                return True
            left = end - time.monotonic()
            if left <= 0:
                if objects is None:
                    raise live.trouble or TransientError("the cluster could not be read in time")
                return False
            if objects is not None and not told:
                tell("is not applied yet")
                told = True
            live.wait(version, left)


def _is_synced(cluster: Cluster, inventory: Manifest, rendered: Rendered, owner: Owner) -> bool:
    key = key_of(cluster.get(key_ref(owner.namespace))) if rendered.holds_values else None
    return rendered.is_recorded(from_configmap(inventory).desired_digest, key)
