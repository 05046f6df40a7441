"""The cluster: sync what Git says, verify that it runs, delete what Git no longer has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from tasks.canary import require_working_agents
from tasks.context import context_at
from tasks.runs.step import WaitingError, cause_of, step
from towpath.engine.apply.prune import prune_app
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.sync_result import SyncResult
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext, render_app, renders_before
from towpath.engine.live.finished import remember_finished
from towpath.engine.source.dependencies import dependencies
from towpath.engine.source.repository import EnvironmentRepo
from towpath.engine.verify.dependencies import NO_TIME, unhealthy, waits_for
from towpath.engine.verify.verify import Verification, verify_app
from towpath.errors import SyncError, TowpathError
from towpath.health.expressions import judges_of
from towpath.orchestration.keys import short_digest
from towpath.release.model import Images


@dataclass(frozen=True, slots=True)
class Target:
    """An app in an environment, at a commit of the environment repository.

    `release` is the release's id; empty for an app without images.
    """

    app: str
    environment: str
    commit: str
    release: str


def wait_for_dependencies(app: str, context: EnvironmentContext) -> None:
    """Wait until the apps that this one depends on are healthy. WaitingError when they are not in time.

    Where there are none, there is no step.
    """
    if _dependencies(app, context):
        _require_none(app, wait_for(app, context))


def require_dependencies(app: str, context: EnvironmentContext) -> None:
    """The same by one look, where the environment's lock is held: others may need it to become healthy."""
    names = _dependencies(app, context)
    if names:
        _require_none(app, unhealthy(context, names, NO_TIME, get_run_logger().info))


@step("wait for what {app} depends on in {context.environment.name}")
def wait_for(app: str, context: EnvironmentContext) -> dict[str, str]:
    """Why apps that this one depends on are not healthy within the environment's timeout, by app."""
    names, log = _dependencies(app, context), get_run_logger()
    return unhealthy(context, names, context.environment.timeout, log.info)


def _dependencies(app: str, context: EnvironmentContext) -> tuple[str, ...]:
    return dependencies(context.repo.root, context.repo.config, app, context.environment.name)


def _require_none(app: str, reasons: Mapping[str, str]) -> None:
    if reasons:
        raise WaitingError(f"{app} {waits_for(reasons)}")


@step("sync {target.app} in {target.environment}")
def sync(target: Target) -> SyncResult:
    """Make the cluster equal to Git at the target's commit. SyncError names each object that was refused."""
    context, log = context_at(target.environment, target.commit), get_run_logger()
    return sync_app(
        context.cluster,
        render_app(context, target.app),
        context.environment,
        commit=target.commit,
        confirmed=context.repo.confirmed(target.app, target.environment),
        on_progress=lambda result: log.info("%s %s %s", result.ref, result.result, result.message),
        applied_before=renders_before(context, target.app),
    )


@step("verify {target.app} in {target.environment}")
def verify(target: Target) -> Verification:
    """Wait until it is healthy and runs the release's images, then smoke checks, and a run of each agent of
    Towpath among its pods; VerifyError if not."""
    context, log = context_at(target.environment, target.commit), get_run_logger()
    rendered = render_app(context, target.app)
    verified = verify_app(
        context.cluster,
        rendered,
        context.repo.config.app(target.app),
        context.environment,
        _images(context.repo, target),
        deadline=context.environment.timeout,
        own=judges_of(context.repo.config.health_check_exprs),
        on_progress=lambda line: log.info("%s", line),
    )
    require_working_agents(context, rendered, lambda line: log.info("%s", line))
    remember_finished(context.cluster, owner_of(rendered), rendered.objects)
    return verified


@step("prune {target.app} in {target.environment}")
def prune(target: Target) -> SyncResult:
    """Delete what left Git, now that the app is verified without it; nothing when nothing did."""
    context, log = context_at(target.environment, target.commit), get_run_logger()
    return prune_app(
        context.cluster,
        render_app(context, target.app),
        confirmed=context.repo.confirmed(target.app, target.environment),
        on_progress=lambda result: log.info("%s %s %s", result.ref, result.result, result.message),
    )


def _images(repo: EnvironmentRepo, target: Target) -> Images:
    """What the pods must run; nothing where Git names another release by now."""
    state = repo.release(target.app, target.environment)
    return state.release.images if state and state.release.id == target.release else ()


def require_pruned(target: Target, state: "State[Any]") -> None:
    """Fail the run of a release that is in and verified, when what left Git could not be deleted."""
    if state.is_completed():
        return
    cause = cause_of(state)
    reason = cause.message if isinstance(cause, TowpathError) else state.message or str(state.name)
    raise SyncError(
        f"{target.environment} runs {target.app} {short_digest(target.release)}, verified; not all that"
        f" left Git is deleted: {reason}",
        remedy="Nothing is rolled back. The next reconcile goes on with it.",
    )
