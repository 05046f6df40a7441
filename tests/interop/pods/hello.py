"""Releases of the example's app: built as its source says, and signed as the build agent signs."""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.images.engine import ROOT, Engine
from tests.interop.pods.layout import REGISTRY
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key
from towpath.adapters.images import docker
from towpath.adapters.registries import registry
from towpath.config import load_config
from towpath.engine.source.release_proof import attest
from towpath.evidence.statement import Image, ReleaseEvidence, ScanEvidence
from towpath.local.common.stack import Stack
from towpath.local.parts.images import BASE_IMAGE, BASE_TAG, push_base_image
from towpath.release.image_ref import parse_image
from towpath.release.scan_policy import policy_hash

APP = "hello"
REPOSITORY = f"{REGISTRY}/{APP}"


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


def release(keys: Path, environments: Path, digest: str, version: str) -> None:
    """Sign what the image is, and record it: what the build agent does after its scan."""
    config = load_config(environments)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    evidence = ReleaseEvidence(
        app=APP,
        images=(Image(REPOSITORY, digest),),
        source=REPOSITORY,
        commit="",
        authors=("Dana <dana@example.com>",),
        previous="",
        scan=ScanEvidence("passed", f"sha256:{0:064x}", policy_hash(config.scan), config.scan.scanners, {}),
        builder="build",
        started_at=now,
        finished_at=now,
        subject=f"Hello {version}",
        author="Dana <dana@example.com>",
        run="",
        prebuilt=True,
    )
    made = attest(evidence, config.app(APP), read_private_key(KeyFolder(keys).private_file("build")))
    registry.put_release(made, config.api_version)


def command(keys: Path, environments: Path, digest: str, version: str) -> tuple[str, ...]:
    """What calls `release` in the cluster's network."""
    return (sys.executable, "-m", __name__, str(keys), str(environments), digest, version)


if __name__ == "__main__":  # in the cluster's network
    release(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
