"""The door on the local stack: requests of CI jobs start exactly one delivery, which they can follow."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.running import RunningStack
from towpath.demo import source
from towpath.demo.world import APP, World
from towpath.local.common.stack import PROJECT
from towpath.orchestration import keys
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SCRIPT = PROJECT / "deployments/ci/deliver.sh"
SECRET = "a-secret-of-the-integration-tests"
DOOR = f"""\
apiVersion: towpath.dev/v1
listen: 127.0.0.1:0
repositories:
  - name: demo/hello
    apps: [{APP}]
    secrets: [{{variable: DOOR_SECRET}}]
"""


@contextmanager
def opened(stack: RunningStack, folder: Path) -> Iterator[str]:
    """The address of `towpath door`, with the stack's own Prefect server."""
    (folder / "door.yaml").write_text(DOOR)
    program = [str(Path(sys.executable).with_name("towpath")), "door", "--config", str(folder / "door.yaml")]
    environ = {**stack.environ, "DOOR_SECRET": SECRET}
    with subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def ci_job(address: str, commit: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """What a CI job does; it has the secret, and nothing of the stack."""
    environ = {
        "PATH": os.environ["PATH"],
        "TOWPATH_SECRET": SECRET,
        "TOWPATH_REPOSITORY": "demo/hello",
        "TOWPATH_REF": "refs/heads/main",
        "TOWPATH_COMMIT": commit,
        **more,
    }
    program = ["sh", str(SCRIPT), address]
    return subprocess.run(program, env=environ, capture_output=True, text=True, timeout=800, check=False)


def deliveries(stack: RunningStack, commit: str) -> list[Run]:
    api = PrefectApi(str(stack.settings.prefect_api_url))
    try:
        return Server(api).find(keys.DELIVER, tags=[keys.commit_tag(commit[:7])])
    finally:
        api.close()


def test_ci_jobs_start_exactly_one_delivery_and_follow_it(
    stack: RunningStack, demo: World, tmp_path: Path
) -> None:
    version = source.next_version(demo)
    commit = source.commit_version(demo, PROJECT / source.EXAMPLE, version, "Asked for at the door")
    with opened(stack, tmp_path) as address:
        first = ci_job(address, commit, TOWPATH_TIMEOUT="0")
        assert first.returncode == 0, first.stderr
        assert f"deliver: {APP}, new run: http" in first.stdout
        second = ci_job(address, commit, TOWPATH_TIMEOUT="600", TOWPATH_INTERVAL="2")
    assert second.returncode == 0, second
    assert f"deliver: {APP}, known run: http" in second.stdout
    assert f"{APP} waits for approval" in second.stdout, second.stdout
    assert "succeeded promote dev http" in second.stdout
    (run,) = deliveries(stack, commit)
    assert run.succeeded
    assert run.parameters == {"app": APP, "revision": commit}
    assert keys.person_tag("door") in run.tags
