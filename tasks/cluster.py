"""The cluster: sync what Git says, verify that it runs."""

from dataclasses import dataclass

from prefect.logging import get_run_logger

from tasks.context import context_at
from tasks.step import step
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.sync_result import SyncResult
from towpath.engine.live.context import render_app
from towpath.engine.verify.verify import Verification, verify_app
from towpath.health.expressions import judges_of


@dataclass(frozen=True, slots=True)
class Target:
    """An app in an environment, at a commit of the environment repository. `digest` is the release's."""

    app: str
    environment: str
    commit: str
    digest: str


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
    )


@step("verify {target.app} in {target.environment}")
def verify(target: Target) -> Verification:
    """Wait until it is healthy and runs the release's digest, then smoke checks; VerifyError if not."""
    context, log = context_at(target.environment, target.commit), get_run_logger()
    return verify_app(
        context.cluster,
        render_app(context, target.app),
        context.repo.config.app(target.app),
        context.environment,
        target.digest,
        deadline=context.environment.timeout,
        own=judges_of(context.repo.config.health_check_exprs),
        on_progress=lambda line: log.info("%s", line),
    )
