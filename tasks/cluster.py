"""The cluster: sync what Git says, verify that it runs."""

from dataclasses import dataclass

from prefect.logging import get_run_logger

from tasks.desired import EnvironmentRepo, read_desired
from tasks.step import settings, step
from towpath.adapters.kubernetes import Cluster
from towpath.adapters.kubernetes import connect_environment as connect_to
from towpath.config import Environment
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.sync_result import SyncResult
from towpath.engine.apply.uninstall import remove_app
from towpath.engine.source.render import Rendered, render_app
from towpath.engine.verify.verify import Verification, verify_app
from towpath.health.expressions import judges_of


@dataclass(frozen=True, slots=True)
class Target:
    """An app in an environment, at a commit of the environment repository. `digest` is the release's."""

    app: str
    environment: str
    commit: str
    digest: str


def render(desired: EnvironmentRepo, app: str, environment: str) -> Rendered:
    """What Git says about an app in an environment, rendered and admitted."""
    where = settings()
    return render_app(desired.root, desired.config, app, environment, tools=where.tools, cache=where.renders)


def connect_environment(environment: Environment) -> Cluster:
    """A connection with this worker's own credentials."""
    return connect_to(environment, settings().kubeconfig)


@step("sync {target.app} in {target.environment}")
def sync(target: Target) -> SyncResult:
    """Make the cluster equal to Git at the target's commit. SyncError names each object that was refused."""
    desired, log = read_desired(target.commit), get_run_logger()
    where = desired.config.environment(target.environment)
    rendered = render(desired, target.app, target.environment)
    return sync_app(
        connect_environment(where),
        rendered,
        where,
        commit=target.commit,
        confirmed=desired.confirmed(target.app, target.environment),
        on_progress=lambda each: log.info("%s %s %s", each.ref, each.result, each.message),
    )


@step("remove {target.app} from {target.environment}")
def remove(target: Target) -> SyncResult:
    """Delete what is left of an app that Git has no more: exactly the objects that a commit confirms."""
    desired, log = read_desired(target.commit), get_run_logger()
    where = desired.config.environment(target.environment)
    return remove_app(
        connect_environment(where),
        target.app,
        where,
        desired.confirmed(target.app, target.environment),
        commit=target.commit,
        on_progress=lambda each: log.info("%s %s %s", each.ref, each.result, each.message),
    )


@step("verify {target.app} in {target.environment}")
def verify(target: Target) -> Verification:
    """Wait until it is healthy and runs the release's digest, then smoke checks; VerifyError if not."""
    desired, log = read_desired(target.commit), get_run_logger()
    where = desired.config.environment(target.environment)
    return verify_app(
        connect_environment(where),
        render(desired, target.app, target.environment),
        desired.config.app(target.app),
        where,
        target.digest,
        deadline=where.timeout,
        own=judges_of(desired.config.health_check_exprs),
        on_progress=lambda line: log.info("%s", line),
    )
