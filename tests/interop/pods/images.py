"""The images of an installation, in the data folder of a registry: ours, and of what it stands on."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.images.engine import ROOT, Engine, running_engine
from tests.interop.pods.broken import PROGRAM, PROGRAMS, archive
from tests.interop.pods.builder_images import builder_images
from tests.interop.pods.hello import build_hello
from tests.interop.pods.layout import REGISTRY
from tests.own_registry import own_registry
from towpath.adapters.images import docker
from towpath.local.common.files import read_json, write_json
from towpath.local.common.layout import Layout
from towpath.local.common.stack import Options, Stack
from towpath.progress import Progress, Step
from towpath.release.image_ref import parse_image
from towpath.settings import Settings

HERE = Path(__file__).parent
OURS = "deployments/image/Dockerfile"
BUILDS = (
    ("server", ROOT, OURS, "server"),
    ("agent", ROOT, OURS, "agent"),
    ("stores", HERE, "stores.Dockerfile", None),
)
"""Name, context, Dockerfile and target."""
INPUTS = (
    *("src", "flows", "tasks", "deployments/image", "deployments/chart", ".ci/uv.lock", "requirements.lock"),
    *("deployments/local/kustomize", "deployments/local/helm", "deployments/local/buildkit"),
    *("pyproject.toml", "examples/hello", "tests/interop/pods/builder_images.py"),
    *("tests/interop/pods/buildkit.Dockerfile", "tests/interop/pods/build-agent.Dockerfile"),
    *("tests/interop/pods/stores.Dockerfile", "tests/interop/pods/stores.sh", "tests/images/engine.py"),
    *("tests/interop/pods/broken.py", "tests/interop/pods/images.py"),
)
BUILD_SECONDS = 3000.0
VERSIONS = tuple(f"v{number}" for number in range(1, 12))
"""Of the app: one for each promotion of a story."""


@dataclass(frozen=True)
class Image:
    """A reference by digest, as the cluster pulls it; `size` in bytes is that of its unpacked files."""

    repository: str
    digest: str
    size: int

    @property
    def reference(self) -> str:
        return f"{self.repository}@{self.digest}"

    @property
    def values(self) -> dict[str, str]:
        return {"repository": self.repository, "digest": self.digest}


def kept() -> Path:
    """The folder of the registry's data, which is kept for the next time."""
    folder = Settings.load(os.environ).cache / "interop" / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def images(progress: Progress) -> Mapping[str, Image]:
    """`server`, `agent`, `stores`, two more versions of the first two, three of the agent that do not work
    (broken.py), eleven versions of the app `hello`, and what builds it: `buildkit` and `build-agent`.

    Built for each version of what goes into them once.
    """
    file = kept() / "images.json"
    known = read_json(file) or {}
    if known.get("key") != (key := _key()):
        with progress.step("images") as step, tempfile.TemporaryDirectory(prefix="towpath-registry-") as name:
            made = _build(progress, Path(name))
            known = {"key": key, "images": {each: asdict(image) for each, image in made.items()}}
            write_json(file, known)
            step.result(f"{len(made)} images")
    return {name: Image(**each) for name, each in known["images"].items()}


def _key() -> str:
    """Depends on all files that go into the images."""
    digest = hashlib.sha256()
    for path in sorted(each for place in INPUTS for each in _files(ROOT / place)):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    found = place.rglob("*") if place.is_dir() else [place]
    return (each for each in found if each.is_file() and "__pycache__" not in each.parts)


def _build(progress: Progress, folder: Path) -> Mapping[str, Image]:
    made: dict[str, Image] = {}
    data = {"storage": {"filesystem": {"rootdirectory": str(kept())}, "delete": {"enabled": True}}}
    with running_engine() as engine, own_registry(folder, **data) as registry:
        for name, context, dockerfile, target in BUILDS:
            with progress.step(f"image {name}") as step:
                image = docker.build(
                    context,
                    dockerfile,
                    target=target,
                    build_args={"BASE": engine.base},
                    network="host",
                    docker_host=engine.host,
                    on_line=step.note,
                    timeout=BUILD_SECONDS,
                )
                made[name] = _pushed(engine, registry, name, image, step)
                for version in ("next", "third") if target else ():
                    made[f"{name}-{version}"] = _next(engine, registry, name, image, version, step)
                for version, program in PROGRAMS.items() if target == "agent" else ():
                    made[f"{name}-{version}"] = _next(engine, registry, name, image, version, step, program)
                if target == "agent":
                    agent = image
        with progress.step("images that build") as step:
            for name, image in builder_images(engine, agent):
                made[name] = _pushed(engine, registry, name, image, step)
        stack = Stack(Layout(folder), Options(registry=registry), Settings.load(os.environ))
        for version in VERSIONS:
            with progress.step(f"image hello {version}"):
                made[f"hello-{version}"] = Image(f"{REGISTRY}/hello", build_hello(engine, stack, version), 0)
    return made


def _pushed(engine: Engine, registry: str, name: str, image: str, step: Step) -> Image:
    reference = parse_image(f"{registry}/towpath/{name}:latest")
    digest = docker.push(image, reference, docker_host=engine.host, on_line=step.note)
    size = int(engine.config(image)["Size"])
    step.result(f"{size / 1e6:.0f} MB, {digest}")
    return Image(f"{REGISTRY}/towpath/{name}", digest, size)


def _next(
    engine: Engine, registry: str, name: str, image: str, version: str, step: Step, program: str = ""
) -> Image:
    """The same files as an image of another digest, but for the `program` in the place of ours."""
    with engine.client() as client:
        changes = [f"LABEL org.opencontainers.image.version={version}"]
        container = client.create_container(image)
        try:
            if program:
                client.put_archive(container, PROGRAM.rpartition("/")[0], archive(program))
            made = client.commit(container, changes=changes)["Id"]
        finally:
            client.remove_container(container, force=True, v=True)
    return _pushed(engine, registry, name, made, step)
