"""What the tests of building, scanning and pushing share: the example's source, and images built from it."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.adapters.images import docker
from towpath.release.image_ref import ImageReference, parse_image

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Builder:
    """The stack's Docker Engine and registry."""

    docker_host: str | None
    registry: str

    def build(self, source: Path, **options: Any) -> str:
        args = {"BASE": f"{self.registry}/base/busybox:1"}
        return docker.build(source, build_args=args, docker_host=self.docker_host, **options)

    def save(self, image_id: str, tar: Path) -> Path:
        docker.save(image_id, tar, docker_host=self.docker_host)
        return tar

    def push(self, image_id: str, reference: ImageReference) -> str:
        return docker.push(image_id, reference, docker_host=self.docker_host)

    def repository(self) -> ImageReference:
        """A repository that nobody else uses."""
        return parse_image(f"{self.registry}/test/{uuid.uuid4().hex[:12]}")


def hello(folder: Path, *variants: str) -> Path:
    """A copy of the example's source, with variants over it."""
    source = folder / "hello"
    for layer in (EXAMPLES / "hello", *(EXAMPLES / "variants" / variant for variant in variants)):
        shutil.copytree(layer, source, dirs_exist_ok=True)
    return source
