"""Given a cluster, a registry and an environment repository, `up` uses them and starts none of its own."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.integration.running import RunningStack, free_ports
from towpath.local.common.stack import ENVIRONMENTS
from towpath.local.lifecycle.processes import is_alive
from towpath.local.lifecycle.status import status
from towpath.local.users.passwd import users

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OWN = {
    "prefect-server",
    "docker",
    "fork-server",
    "agent-build",
    *(f"agent-{each}" for each in ENVIRONMENTS),
}


@dataclass(frozen=True)
class Guest:
    """A second stack that is given the parts of the first one, and what `up` said."""

    running: RunningStack
    said: str
    orphans: set[int]


@pytest.fixture(scope="module")
def guest(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Its supervisor was killed in the midst of the start, so `up` found what that left."""
    running = RunningStack(tmp_path_factory.mktemp("guest"))
    options = (
        *free_ports(),
        *("--kubeconfig", str(stack.layout.kubeconfig("admin"))),
        *("--registry", stack.registry),
        *("--environments", str(stack.settings.environments)),
    )
    orphans = running.interrupted_up(*options, begun="prefect-server")
    yield Guest(running, running.up(*options), orphans)
    running.down("--purge")


def test_only_what_was_not_given_is_started(guest: Guest) -> None:
    components = status(guest.running.stack)
    assert {one.name for one in components} == OWN
    assert {one.name: one.problem for one in components if not one.ready} == {}


def test_a_killed_supervisor_is_mended_by_up(guest: Guest) -> None:
    assert guest.orphans
    assert not any(is_alive(pid) for pid in guest.orphans)
    assert guest.running.towpath("status").returncode == 0


def test_its_settings_name_what_was_given(guest: Guest, stack: RunningStack) -> None:
    assert guest.running.registry == stack.registry
    assert guest.running.settings.environments == stack.settings.environments
    assert guest.running.settings.prefect_api_url != stack.settings.prefect_api_url


def test_the_given_cluster_is_left_alone_and_its_accounts_are_told(guest: Guest) -> None:
    assert "Your cluster was not touched" in guest.said
    assert "kubectl apply --server-side -f" in guest.said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's stack has users")
def test_agents_share_a_user_where_a_folder_of_somebody_else_is_given_and_up_says_so(guest: Guest) -> None:
    assert "one for all agents, and nothing keeps them apart" in guest.said
    assert "belongs to somebody else" in guest.said
    assert users(guest.running.layout) == {}
    assert not guest.running.stack.options.users
