"""What integration tests share: the local stack, a namespace of their own, and the order of the tests."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.forks import AGENTS, towpath_command
from tests.integration.running import PERSONAL, RunningStack
from tests.integration.second_cluster import SecondCluster, second_cluster
from tests.integration.shared_stack import prepared_stack, shared_stack
from tests.integration.world import World, throw_away
from towpath.adapters.process import Completed, run
from towpath.demo import world as demo_world
from towpath.errors import MissingPartError
from towpath.objects import Manifest

FOLDER = "integration"
LONGEST = (
    *("test_story", "test_automations", "test_drift_kinds", "test_preview", "test_former_managers"),
    *("test_autoscaled", "test_watch", "test_agent", "test_reconcile_neighbours", "test_people_tools"),
    *("test_immutable", "test_verify", "test_chart", "test_leader"),
)
"""Begun first when several workers share the tests, so that none is still at one when all else is done."""


SHARED = {
    **dict.fromkeys(("test_story", "test_bad_input", "test_given_parts", "test_approval_restart"), "demo"),
    **dict.fromkeys(("test_clusters", "test_copy_cluster"), "second-cluster"),
    "test_redaction": "demo",
    **dict.fromkeys(("test_door", "test_push_alone"), "demo"),
}
"""Files that use the same thing, which can be used by one worker at a time only."""
SPREAD = {
    *("test_adopt", "test_drift", "test_helm_hooks", "test_hooks", "test_modes", "test_neighbours"),
    *("test_plan_and_diff", "test_prune", "test_reconcile", "test_rights", "test_sync", "test_sync_faults"),
    *("test_sync_kills", "test_verify", "test_watch", "test_watch_agrees", "test_chart"),
    *("test_day_to_day", "test_delete", "test_install", "test_leader", "test_logs"),
}
"""Files whose tests share nothing, so that several workers may have them."""


class ByGroup(LoadScopeScheduling):
    """One worker for each group or file; xdist's own `loadgroup` does nothing with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.partition("::")[0]).stem
        return SHARED.get(name, nodeid if name in SPREAD else name)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Called by xdist once there are workers."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, and those marked `alone` last."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> tuple[bool, int]:
    if item.path.parent.name != FOLDER:
        return False, 0
    name = item.path.stem
    alone = item.get_closest_marker("alone") is not None
    # The stack's own test comes last of all: it takes the stack away.
    rank = LONGEST.index(name) if name in LONGEST else len(LONGEST) + (name == "test_local_stack")
    return alone, rank


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The running stack. Where this machine cannot run one, tests are skipped; in CI that is a failure."""
    with ExitStack() as held, pytest.MonkeyPatch.context() as patch:
        running = prepared_stack()
        try:
            running = running or held.enter_context(shared_stack())
        except MissingPartError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))
        for name in PERSONAL:
            patch.delenv(name, raising=False)
        patch.setenv("TOWPATH_HOME", str(running.home))
        held.callback(AGENTS.end)
        yield running


@pytest.fixture
def objects() -> list[Manifest]:
    """What Git has when a test begins; a module that begins with more has its own fixture of this name."""
    return []


@pytest.fixture
def world(stack: RunningStack, objects: list[Manifest]) -> Iterator[World]:
    """An app in a namespace of its own, for one test."""
    with throw_away(stack.settings) as world:
        world.objects = objects
        yield world


@pytest.fixture(scope="module")
def module_world(stack: RunningStack) -> Iterator[World]:
    """An app in a namespace that all tests of a module share."""
    with throw_away(stack.settings) as world:
        yield world


@pytest.fixture(scope="session")
def second(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondCluster]:
    """Another cluster beside the stack's: its tests stay on one worker (group `second-cluster`)."""
    folder = tmp_path_factory.mktemp("second") / "cluster"
    with second_cluster(stack.settings.tools, folder) as made:
        yield made


class Demo(demo_world.World):
    """The demo's, whose verbs are forked: each start is a second of a processor otherwise."""

    __slots__ = ()

    def towpath(
        self, *args: str, tell: demo_world.Tell | None = None, codes: tuple[int, ...] = (0,)
    ) -> Completed:
        command = [*towpath_command(), *args]
        return run(command, env=self.environ, timeout=demo_world.COMMAND_TIMEOUT, codes=codes, on_line=tell)


@pytest.fixture(scope="module")
def demo(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> demo_world.World:
    """The demo's app and environments on the stack: only one worker at a time has them (group `demo`)."""
    return Demo.connect(stack.settings, tmp_path_factory.mktemp("demo"))
