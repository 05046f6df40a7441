"""Where a reconcile happens: one environment at one commit, and an open connection to its cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.kubernetes import Cluster, shared_connection
from towpath.config import Environment
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.settings import Settings

Tell = Callable[[str], None]
"""Takes one line for people who follow the work."""


@dataclass(frozen=True, slots=True)
class EnvironmentContext:
    """An environment at one commit, and its connection, which is cached per process."""

    cluster: Cluster
    desired: EnvironmentRepo
    environment: Environment
    tools: Path | None = None
    renders: Path | None = None


def open_context(here: Settings, environment: str, revision: str | None = None) -> EnvironmentContext:
    """The environment at the newest commit of the branch, fetched now, or at `revision`.

    Raises UnknownNameError for an environment that towpath.yaml does not name, MissingPartError without
    credentials for its cluster, TransientError when Git does not answer.
    """
    return environment_context(here, read_repository(here, revision), environment)


def environment_context(here: Settings, desired: EnvironmentRepo, environment: str) -> EnvironmentContext:
    """The environment at a commit that was read before."""
    where = desired.config.environment(environment)
    return EnvironmentContext(
        shared_connection(where, here.kubeconfig), desired, where, here.tools, here.renders
    )
