"""Given a cluster, a registry and an environment repository, `up` uses them and starts none of its own."""

from collections.abc import Iterator

import pytest

from tests.integration.running import RunningStack, free_ports
from towpath.local.common.stack import ENVIRONMENTS
from towpath.local.lifecycle.status import status

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OWN = {
    "prefect-server",
    "docker",
    "worker-build",
    *(f"{one}-{e}" for e in ENVIRONMENTS for one in ("worker", "watch")),
}


@pytest.fixture(scope="module")
def guest(
    stack: RunningStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningStack, str]]:
    """A second stack that is given the parts of the first one, and what `up` said."""
    chosen = RunningStack(tmp_path_factory.mktemp("guest"))
    said = chosen.up(
        *free_ports(),
        *("--kubeconfig", str(stack.layout.kubeconfig("admin"))),
        *("--registry", stack.registry),
        *("--environments", str(stack.settings.environments)),
    )
    yield chosen, said
    chosen.down("--purge")


def test_only_what_was_not_given_is_started(guest: tuple[RunningStack, str]) -> None:
    components = status(guest[0].stack)
    assert {one.name for one in components} == OWN
    assert all(one.ready for one in components)


def test_its_settings_name_what_was_given(guest: tuple[RunningStack, str], stack: RunningStack) -> None:
    assert guest[0].registry == stack.registry
    assert guest[0].settings.environments == stack.settings.environments
    assert guest[0].settings.prefect_api_url != stack.settings.prefect_api_url


def test_the_given_cluster_is_left_alone_and_its_accounts_are_told(guest: tuple[RunningStack, str]) -> None:
    assert "Your cluster was not touched" in guest[1]
    assert "kubectl apply --server-side -f" in guest[1]
