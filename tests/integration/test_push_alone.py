"""The local stack's agents: a push alone starts a delivery, and runs belong to the agents' repository."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import TOWPATH, RunningStack
from tests.integration.test_door import deliveries
from towpath.demo import source
from towpath.demo.world import APP, World
from towpath.local.common.stack import PROJECT
from towpath.orchestration import keys

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PATIENCE = 120.0
"""Seconds from a push to its run: the environment repository is asked each 15 s, the source each 10 s."""


@pytest.fixture
def environments(stack: RunningStack, demo: World, tmp_path: Path) -> Path:
    """A working copy of the environment repository."""
    folder = tmp_path / "environments"
    demo.git("clone", "--quiet", stack.settings.environments_url(), str(folder))
    return folder


@pytest.fixture
def polled(demo: World, environments: Path) -> Iterator[None]:
    """The demo's source is polled as long as the test lasts."""
    path = environments / "towpath.yaml"
    text = path.read_text()
    assert text.count("repository: ../hello.git\n") == 1

    def commit(content: str, message: str) -> None:
        demo.git("pull", "--quiet", "--rebase", cwd=environments)
        path.write_text(content)
        demo.git("commit", "--quiet", "-am", message, cwd=environments)
        demo.git("push", "--quiet", "origin", "HEAD:main", cwd=environments)

    commit(text.replace("../hello.git\n", "../hello.git\n      poll: 10s\n"), "Poll the source")
    try:
        yield
    finally:
        commit(text, "Poll no more")


@pytest.mark.usefixtures("polled")
def test_a_push_alone_starts_one_delivery(stack: RunningStack, demo: World) -> None:
    version = source.next_version(demo)
    commit = source.commit_version(demo, PROJECT / source.EXAMPLE, version, "Nobody asks for this")
    end = time.monotonic() + PATIENCE
    while not deliveries(stack, commit) and time.monotonic() < end:
        time.sleep(0.5)
    demo.towpath("deliver", APP, "--revision", commit)  # follows the run that the agent has started
    (run,) = deliveries(stack, commit)
    assert run.succeeded
    assert keys.person_tag("build-agent") in run.tags


def test_a_verb_for_another_repository_starts_nothing(stack: RunningStack, environments: Path) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
        "TOWPATH_HOME": str(environments.parent / "home"),
        "TOWPATH_ENVIRONMENTS": f"file://{environments}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "PREFECT_API_URL": str(stack.settings.prefect_api_url),
    }
    for verb in (["deliver", APP, "--revision", "main"], ["reconcile", "dev"]):
        program = [TOWPATH, *verb]
        done = subprocess.run(program, env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "nothing was started" in done.stderr, done.stderr
