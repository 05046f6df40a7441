"""Whether an environment runs the release that Git names, as its cluster tells. That proves nothing."""

from towpath.engine.gates.chain import Step
from towpath.engine.live.context import EnvironmentContext, render_app
from towpath.engine.verify.health_snapshot import health_snapshot
from towpath.release.model import Release


def running_step(context: EnvironmentContext, release: Release) -> Step:
    """The last step of the chain: the digests of the pods, compared with those of the release."""
    app = release.app
    rendered = render_app(context, app)
    health = health_snapshot(context.cluster, context.repo.config, [rendered], {app: release.images})[app]
    named = ", ".join(each.digest for each in release.images) or "no image of the release"
    told = f"{health.status}: {health.message}" if health.message else str(health.status)
    by = f"the cluster of {context.environment.name}"
    return Step("running", "claimed" if health.good else "failed", by, f"{named}; {told}")
