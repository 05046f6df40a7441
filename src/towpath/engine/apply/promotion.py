"""What a promotion would change: the newest commit with the release's image, compared with the cluster."""

from towpath.applyset.plan import Plan
from towpath.engine.apply.plan import plan_app
from towpath.engine.live.context import EnvironmentContext, renders_before
from towpath.engine.source.edits import Renderers, promote_edits
from towpath.engine.source.render import render_app
from towpath.release.model import EnvironmentRelease, Release


def plan_promotion(context: EnvironmentContext, release: Release) -> Plan:
    """Render as if the promotion were committed, and plan that. Changes nothing.

    The plan's digest is that of all manifests that would be applied: approvals are bound to it.
    """
    repo, environment = context.repo, context.environment
    state = EnvironmentRelease(release, promoted_at="", promoted_by="")
    programs = Renderers(context.tools, context.renders)
    rendered = render_app(
        repo.root,
        repo.config,
        release.app,
        environment.name,
        tools=context.tools,
        cache=context.renders,
        edits=promote_edits(repo.root, repo.config, environment.name, state, programs),
    )
    confirmed = repo.confirmed(release.app, environment.name)
    before = renders_before(context, release.app)
    return plan_app(context.cluster, rendered, environment, confirmed=confirmed, applied_before=before)
