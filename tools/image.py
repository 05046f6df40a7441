"""Builds the images of Towpath with a Docker Engine, and writes what is in each: `make image`.

Run: .venv/bin/python -m tools.image [server] [agent] [build-agent]   (without names: all three)
The bill of materials of each is build/image/NAME.cdx.json (CycloneDX), by Trivy, from the finished image:
Debian's packages, Python's, and the Go modules of the programs.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from towpath.adapters.images import docker
from towpath.adapters.images.docker_engine import open_engine
from towpath.adapters.images.trivy import Trivy, find_trivy
from towpath.adapters.process import run
from towpath.errors import MissingPartError, TowpathError
from towpath.progress import Progress, progress_on
from towpath.settings import Settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = "deployments/image/Dockerfile"
TARGETS = ("server", "agent", "build-agent")
BUILD_TIMEOUT = 7200.0
SBOM_TIMEOUT = 600.0


def git(*args: str) -> str:
    return run(["git", *args], cwd=ROOT).stdout.strip()


def labels() -> dict[str, str]:
    """Where the images come from; nothing while there are changes that no commit has."""
    if git("status", "--porcelain"):
        return {}
    return docker.labels(
        commit=git("rev-parse", "HEAD"),
        source=run(["git", "remote", "get-url", "origin"], cwd=ROOT, codes=range(256)).stdout.strip(),
        version=git("describe", "--tags", "--always"),
        created=git("log", "-1", "--format=%cI"),
    )


def size(image: str, host: str | None) -> int:
    """Bytes, unpacked."""
    with open_engine(host) as engine:
        return int(engine.inspect_image(image)["Size"])  # type: ignore[no-untyped-call]


def write_sbom(trivy: Trivy, image: str, output: Path, host: str | None) -> None:
    """The bill of materials of an image of the engine; nothing is downloaded for it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="towpath-image-") as folder:
        tar = Path(folder) / "image.tar"
        docker.save(image, tar, docker_host=host)
        command = [trivy.path, "image", "--input", tar, "--format", "cyclonedx", "--output", output.resolve()]
        offline = ["--offline-scan", "--skip-db-update", "--skip-java-db-update", "--cache-backend", "memory"]
        where = ["--cache-dir", folder, "--timeout", f"{SBOM_TIMEOUT:g}s", "--quiet"]
        run([*command, *offline, *where], cwd=Path(folder), timeout=SBOM_TIMEOUT)


def build(name: str, options: argparse.Namespace, progress: Progress, trivy: Trivy | None) -> None:
    """One image, under PREFIX/NAME:TAG, and its bill of materials."""
    host = Settings.load(os.environ).docker_host
    tag = f"{options.prefix}/{name}:{options.tag or git('rev-parse', '--short=12', 'HEAD')}"
    with progress.step(f"build {tag}") as step:
        image = docker.build(
            ROOT,
            DOCKERFILE,
            tag=tag,
            target=name,
            build_args=dict(each.split("=", 1) for each in options.build_arg),
            labels=labels(),
            network=options.network,
            docker_host=host,
            on_line=step.note,
            timeout=BUILD_TIMEOUT,
        )
        step.result(f"{image}, {size(image, host) / 1e6:.0f} MB")
    if trivy is None:
        return
    output = ROOT / "build" / "image" / f"{name}.cdx.json"
    with progress.step(f"list what is in {name}") as step:
        write_sbom(trivy, image, output, host)
        step.result(str(output.relative_to(ROOT)))


def parsed(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make image", description="Build the images of Towpath.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TARGETS)}; without one: all")
    parser.add_argument("--prefix", default="towpath", help="of the images' names: REGISTRY/FOLDER (towpath)")
    parser.add_argument("--tag", help="of the images; the commit if left out")
    parser.add_argument(
        "--build-arg", action="append", default=[], metavar="NAME=VALUE", help="BASE=IMAGE, …"
    )
    parser.add_argument("--network", help="of the build's steps, e.g. host; the engine's default if left out")
    options = parser.parse_args(args)
    if unknown := [name for name in options.names if name not in TARGETS]:
        parser.error(f"there is no image {unknown[0]}: {', '.join(TARGETS)}")
    if bad := [each for each in options.build_arg if "=" not in each]:
        parser.error(f"--build-arg {bad[0]}: write NAME=VALUE")
    return options


def main() -> int:
    options, progress = parsed(sys.argv[1:]), progress_on()
    try:
        trivy: Trivy | None = find_trivy(Settings.load(os.environ))
    except MissingPartError as error:
        sys.stderr.write(f"no bill of materials: {error}\n")
        trivy = None
    try:
        for name in options.names or TARGETS:
            build(name, options, progress, trivy)
    except TowpathError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
