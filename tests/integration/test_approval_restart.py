"""A promotion that waits for approval survives a restart of the server and of its agent."""

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

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.alone,
]

EXAMPLES = Path(__file__).parents[2] / "examples"
RESTARTED = ("agent-prod", "prefect-server")


@pytest.fixture
def waiting(demo: World) -> Iterator[str]:
    """The commit of a release that waits for approval in prod; rejected in the end if it still waits."""
    version = next_version(demo)
    commit = commit_version(demo, EXAMPLES / APP, version, f"Say hello from {version}")
    demo.towpath("deliver", APP)
    yield commit
    demo.towpath(
        "reject", APP, "-e", "prod", "--as", "bob", "--yes", "--reason", "test is over", codes=(0, 1)
    )


def supervisor(demo: World) -> Supervisor:
    """Of the stack that the tests run on."""
    layout = Layout(demo.settings.local)
    return Supervisor(Stack(layout, Options.load(layout) or Options(), demo.settings))


def restart(demo: World) -> None:
    """End server and agent, as a reboot does, and start them again."""
    parts = supervisor(demo)
    for name in RESTARTED:
        parts.stop_process(name)
    for name in reversed(RESTARTED):
        parts.start_process(name)
    deadline = time.monotonic() + 120
    while "waits" not in demo.towpath("status", codes=(0, 1)).stdout:
        assert time.monotonic() < deadline, "the server did not come back with the waiting run"
        time.sleep(1)


def waits_for(demo: World, commit: str) -> list[dict[str, str]]:
    """Runs of a commit that wait for approval in prod, as `towpath status` tells."""
    status = json.loads(demo.towpath("status", "-e", "prod", "--output", "json").stdout)
    return [run for run in status["apps"][0]["waiting"] if commit[:7] in run["name"]]


def test_a_waiting_promotion_survives_a_restart_and_goes_on_after_approval(demo: World, waiting: str) -> None:
    (before,) = waits_for(demo, waiting)
    commits = demo.commits()
    restart(demo)
    assert waits_for(demo, waiting) == [before]
    assert demo.commits() == commits
    said = demo.towpath("approve", APP, "-e", "prod", "--as", story.APPROVER, "--yes").stdout
    assert f"prod runs {APP} {waiting[:7]}, verified" in said
    assert demo.running_digests("prod") == {demo.released("prod")}
    promotion = demo.commits(f"apps/{APP}/prod/kustomization.yaml")[0]
    assert promotion.trailers["Towpath-Approved-By"] == [story.APPROVER]
    assert promotion.trailers["Towpath-Flow-Run"] == [before["run"]]
    assert waits_for(demo, waiting) == []
