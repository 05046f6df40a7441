"""A promotion that waits for approval survives a restart of the server and of its worker."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from towpath.demo import story
from towpath.demo.source import commit_version, next_version
from towpath.demo.world import APP, World
from towpath.local.common.layout import Layout
from towpath.local.common.stack import Options, Stack
from towpath.local.lifecycle.supervisor import Supervisor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).parents[2] / "examples"
RESTARTED = ("worker-prod", "prefect-server")


@pytest.fixture(scope="module")
def world(stack: object, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.connect(stack.settings, tmp_path_factory.mktemp("restart"))  # type: ignore[attr-defined]


@pytest.fixture
def waiting(world: World) -> Iterator[str]:
    """The commit of a release that waits for approval in prod; rejected in the end if it still waits."""
    version = next_version(world)
    commit = commit_version(world, EXAMPLES / APP, version, f"Say hello from {version}")
    world.towpath("deliver", APP)
    yield commit
    world.towpath("reject", APP, "-e", "prod", "--as", "bob", "--reason", "test is over", codes=(0, 1))


def supervisor(world: World) -> Supervisor:
    """Of the stack that the tests run on."""
    layout = Layout(world.settings.local)
    return Supervisor(Stack(layout, Options.load(layout) or Options(), world.settings))


def restart(world: World) -> None:
    """End server and worker, as a reboot does, and start them again."""
    parts = supervisor(world)
    for name in RESTARTED:
        parts.stop_process(name)
    for name in reversed(RESTARTED):
        parts.start_process(name)
    deadline = time.monotonic() + 120
    while "waits" not in world.towpath("status", codes=(0, 1)).stdout:
        assert time.monotonic() < deadline, "the server did not come back with the waiting run"
        time.sleep(1)


def waits_for(world: World, commit: str) -> list[dict[str, str]]:
    """Runs of a commit that wait for approval in prod, as `towpath status` tells."""
    status = json.loads(world.towpath("status", "-e", "prod", "--output", "json").stdout)
    return [run for run in status["apps"][0]["waiting"] if commit[:7] in run["name"]]


def test_a_waiting_promotion_survives_a_restart_and_goes_on_after_approval(
    world: World, waiting: str
) -> None:
    (before,) = waits_for(world, waiting)
    commits = world.commits()
    restart(world)
    assert waits_for(world, waiting) == [before]
    assert world.commits() == commits
    said = world.towpath("approve", APP, "-e", "prod", "--as", story.APPROVER).stdout
    assert f"prod runs {APP} {waiting[:7]}, verified" in said
    assert world.running_digests("prod") == {world.released("prod")}
    promotion = world.commits(f"apps/{APP}/prod/kustomization.yaml")[0]
    assert promotion.trailers["Towpath-Approved-By"] == [story.APPROVER]
    assert promotion.trailers["Towpath-Flow-Run"] == [before["run"]]
    assert waits_for(world, waiting) == []
