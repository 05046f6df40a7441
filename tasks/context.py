"""The run's context: environment repository, configuration and connection, fetched once and handed on."""

from tasks.runs.step import settings, step
from towpath.engine.live.context import EnvironmentContext, last_context, open_context


@step("fetch environment repository")
def fetch(environment: str) -> EnvironmentContext:
    """The environment at the newest commit of the branch; an unknown environment is an error."""
    return open_context(settings(), environment)


def context_at(environment: str, commit: str) -> EnvironmentContext:
    """The environment at a commit that this process has fetched or pushed: Git is not asked again."""
    return last_context(settings(), environment, commit)
