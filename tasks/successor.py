"""The next station: a promotion starts the one after it, each in its own environment's work pool."""

from typing import cast

from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from tasks.desired import read_desired
from tasks.introduce import promotion_name, release_tags, run_id
from tasks.step import step
from towpath.errors import MissingPartError
from towpath.release import Release


@step("start the way of {release.app} {release.short} to {environment}")
def start_promotion(release: Release, environment: str) -> str:
    """Start `promote` in an environment; done again, it finds the same run. Returns the run's id."""
    parent = run_id()
    try:
        started = cast(
            FlowRun,
            run_deployment(
                f"promote/{environment}",
                parameters={
                    "app": release.app,
                    "digest": release.digest,
                    "environment": environment,
                    "parent": parent,
                },
                flow_run_name=promotion_name(release, environment),
                tags=[f"environment:{environment}", *release_tags(release)],
                idempotency_key=f"promote:{parent}:{environment}",
                timeout=0,
                as_subflow=False,
            ),
        )
    except ObjectNotFound as error:
        raise MissingPartError(
            f"the Prefect server has no deployment promote/{environment}",
            remedy="`towpath deployments` writes it, `prefect --no-prompt deploy --all` creates it.",
        ) from error
    return str(started.id)


def start_next(release: Release, environment: str) -> str | None:
    """Start the promotion to the environment after this one; None after the last."""
    following = read_desired().config.next_environment(environment)
    return None if following is None else start_promotion(release, following.name)
