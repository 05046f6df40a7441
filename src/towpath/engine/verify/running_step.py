"""Whether an environment runs the release that Git names, as its cluster tells. That proves nothing."""

from towpath.engine.gates.chain import Step
from towpath.engine.live.context import EnvironmentContext, render_app
from towpath.engine.verify.health_snapshot import health_snapshot
from towpath.release.model import Images


def running_step(context: EnvironmentContext, app: str, images: Images) -> Step:
    """The last step of the chain: the digests of the pods, compared with those of the release."""
    rendered = render_app(context, app)
    health = health_snapshot(context.cluster, context.repo.config, [rendered], {app: images})[app]
    named = ", ".join(each.digest for each in images) or "no image of the release"
    told = f"{health.status}: {health.message}" if health.message else str(health.status)
    by = f"the cluster of {context.environment.name}"
    return Step("running", "claimed" if health.good else "failed", by, f"{named}; {told}")
