"""The run's context: environment repository, configuration and connection, fetched once and handed on."""

from prefect.logging import get_run_logger

from tasks.runs.step import settings, step
from towpath.engine.live.context import EnvironmentContext, last_context, open_context
from towpath.redact import redact


@step("fetch environment repository")
def fetch(environment: str) -> EnvironmentContext:
    """The environment at the newest commit of the branch; an unknown environment is an error.

    What of its policy is not in force, because no owner has signed it, is told in the log.
    """
    context = open_context(settings(), environment)
    for note in context.repo.protection.notes:
        get_run_logger().warning("policy: %s", redact(note))
    return context


def context_at(environment: str, commit: str) -> EnvironmentContext:
    """The environment at a commit that this process has fetched or pushed: Git is not asked again."""
    return last_context(settings(), environment, commit)
