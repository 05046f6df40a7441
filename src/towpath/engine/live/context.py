"""Where a reconcile happens: one environment at one commit, and an open connection to its cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.kubernetes import Cluster, shared_connection
from towpath.config import Environment
from towpath.engine.source.repository import Desired, read_repository
from towpath.settings import Settings

Tell = Callable[[str], None]
"""Takes one line for people who follow the work."""


@dataclass(frozen=True, slots=True)
class Place:
    """Cheap to make again and again in one process: what is behind it stays open."""

    cluster: Cluster
    desired: Desired
    environment: Environment
    tools: Path | None = None
    renders: Path | None = None


def open_place(here: Settings, environment: str, revision: str | None = None) -> Place:
    """The environment at the newest commit of the branch, fetched now, or at `revision`.

    Raises UnknownNameError for an environment that towpath.yaml does not name, MissingPartError without
    credentials for its cluster, TransientError when Git does not answer.
    """
    return place_of(here, read_repository(here, revision), environment)


def place_of(here: Settings, desired: Desired, environment: str) -> Place:
    """The environment at a commit that was read before."""
    where = desired.config.environment(environment)
    return Place(shared_connection(where, here.kubeconfig), desired, where, here.tools, here.renders)
