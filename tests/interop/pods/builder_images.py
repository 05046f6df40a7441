"""The images of BuildKit without root, and of the agent that builds by it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.images.engine import Engine
from tests.interop.programs import BUILDCTL, BUILDKITD, built
from towpath.adapters.images import docker, trivy
from towpath.settings import Settings

HERE = Path(__file__).parent


def builder_images(engine: Engine, agent: str) -> Iterator[tuple[str, str]]:
    """Name and id of each. `agent` is the id of the agent's image.

    Trivy is the local stack's, and not built from its Go module as in our image of the build agent.
    """
    programs = {
        "buildkitd": built(BUILDKITD),
        "buildctl": built(BUILDCTL),
        "trivy": trivy.find_trivy(Settings.load(os.environ)).path,
    }
    with tempfile.TemporaryDirectory(prefix="towpath-builder-") as name:
        context = Path(name)
        for program, path in programs.items():
            shutil.copy(path, context / program)
            (context / program).chmod(0o755)
        for image, base in (("buildkit", {"BASE": engine.base}), ("build-agent", {"AGENT": agent})):
            shutil.copy(HERE / f"{image}.Dockerfile", context)
            made = docker.build(
                context, f"{image}.Dockerfile", build_args=base, network="host", docker_host=engine.host
            )
            yield image, made
