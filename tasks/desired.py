"""The environment repository at its head: configuration, releases, quarantine."""

from tasks.step import settings, step
from towpath.engine.source.repository import GIT_TIMEOUT, EnvironmentRepo, read_repository

__all__ = ["GIT_TIMEOUT", "EnvironmentRepo", "environments_url", "fetch", "read_desired"]


def environments_url() -> str:
    """URL of the environment repository."""
    return settings().environments_url()


def read_desired(revision: str | None = None) -> EnvironmentRepo:
    """The environment repository at a commit; at the head of its branch when none is given."""
    return read_repository(settings(), revision)


@step("fetch environment repository")
def fetch(environment: str) -> EnvironmentRepo:
    """The newest desired state; an unknown environment is an error."""
    desired = read_desired()
    desired.config.environment(environment)
    return desired
