"""Keys of the agents build, dev, staging and prod, and the evidence of a release, as tests need them."""

from pathlib import Path

from tests.prepared import copy_of
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.evidence.statement import Image, ReleaseEvidence, ScanEvidence
from towpath.evidence.trusted_keys import COMMITS, EVIDENCE
from towpath.release.model import Release

AGENTS = ("build", "dev", "staging", "prod")


def make_keys(path: Path) -> KeyFolder:
    """A folder with each agent's key, all of which are trusted for what they do."""
    copy_of(_make_keys, path)
    return KeyFolder(path)


def _make_keys(path: Path) -> None:
    for name in AGENTS:
        make_key(KeyFolder(path), name, (EVIDENCE if name == "build" else COMMITS,))


def evidence_of(
    release: Release, *, previous: str = "", authors: tuple[str, ...] = (), builder: str = "build"
) -> ReleaseEvidence:
    """What the build agent states about a release; the release that it proves is the same."""
    scan = release.scan
    report = "" if scan.status == "not-scanned" else f"sha256:{4:064x}"
    return ReleaseEvidence(
        app=release.app,
        images=tuple(Image(each.image, each.digest) for each in release.images),
        source=release.source,
        commit=release.commit,
        authors=authors or (release.author,),
        previous=previous,
        scan=ScanEvidence(
            scan.status,
            report,
            scan.policy or "0" * 12,
            scan.scanners,
            scan.findings,
            scan.counts,
            scan.scanner_version,
            scan.os,
        ),
        builder=builder,
        started_at=release.built_at,
        finished_at=release.built_at,
        subject=release.subject,
        author=release.author,
        run=release.flow_run,
    )
