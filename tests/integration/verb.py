"""`towpath` run as a person does, on an environment repository of a test."""

import os
import subprocess
import sys
from pathlib import Path

from tests.forks import towpath_command
from tests.integration.world import World
from tests.outputs import require_described


def towpath(world: World, repository: Path, *arguments: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(world.kubeconfig),
        "TOWPATH_ENVIRONMENTS": f"file://{repository}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(repository.parent / "cache"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [*towpath_command(), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    require_described(arguments, done.stdout)
    return done.returncode, done.stdout + done.stderr
