"""Images of the example's app: built as its source says."""

import shutil
import tempfile
from pathlib import Path

from tests.images.engine import ROOT, Engine
from towpath.adapters.images import docker
from towpath.local.common.stack import Stack
from towpath.local.parts.images import BASE_IMAGE, BASE_TAG, push_base_image
from towpath.release.image_ref import parse_image

APP = "hello"


def build_hello(engine: Engine, stack: Stack, version: str) -> str:
    """Build the app and push it to the stack's registry; its digest."""
    push_base_image(stack)
    with tempfile.TemporaryDirectory(prefix="towpath-hello-") as name:
        source = Path(name) / APP
        shutil.copytree(ROOT / "examples" / APP, source)
        (source / "VERSION").write_text(f"{version}\n")
        base = f"{stack.registry}/{BASE_IMAGE}:{BASE_TAG}"
        image = docker.build(source, build_args={"BASE": base}, network="none", docker_host=engine.host)
    reference = parse_image(f"{stack.registry}/{APP}:{version}")
    return docker.push(image, reference, docker_host=engine.host)
