"""Releases of images that are there: signed and recorded as the build agent does after its scan."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from towpath.adapters.evidence.key_files import KeyFolder, read_private_key
from towpath.adapters.registries import registry
from towpath.config import load_config
from towpath.engine.source.release_proof import attest
from towpath.evidence.statement import Image, ReleaseEvidence, ScanEvidence
from towpath.release.scan_policy import policy_hash


def release(keys: Path, environments: Path, app: str, subject: str, images: Sequence[str]) -> str:
    """Sign what the images (by digest) are, and record it; the release's id."""
    config = load_config(environments)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    pairs = [each.split("@") for each in images]
    evidence = ReleaseEvidence(
        app=app,
        images=tuple(Image(repository, digest) for repository, digest in pairs),
        source=pairs[0][0],
        commit="",
        authors=("Dana <dana@example.com>",),
        previous="",
        scan=ScanEvidence("passed", f"sha256:{0:064x}", policy_hash(config.scan), config.scan.scanners, {}),
        builder="build",
        started_at=now,
        finished_at=now,
        subject=subject,
        author="Dana <dana@example.com>",
        run="",
        prebuilt=True,
    )
    made = attest(evidence, config.app(app), read_private_key(KeyFolder(keys).private_file("build")))
    registry.put_release(made, config.api_version)
    return made.id


def command(keys: Path, environments: Path, app: str, subject: str, *images: str) -> tuple[str, ...]:
    """What calls `release` in the cluster's network, and prints its id."""
    return (sys.executable, "-m", __name__, str(keys), str(environments), app, subject, *images)


if __name__ == "__main__":  # in the cluster's network
    made = release(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
    sys.stdout.write(f"{made}\n")
