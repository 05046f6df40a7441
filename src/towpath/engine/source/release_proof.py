"""What proves a release: the evidence that the build agent signed. The one module that asks for it.

Whoever writes to the registry can write records and attach statements. So a release is made of its evidence
alone; a record only says which digest a commit may have, and what it says is proven or not used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from towpath.adapters import registry
from towpath.adapters.evidence.release_evidence import attach_release, prove_release
from towpath.adapters.git import Checkout, authors_since, earlier_commits
from towpath.config import App
from towpath.engine.source.keys import BUILDER
from towpath.errors import OtherSubjectError, TerminalError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.statement import ReleaseEvidence
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.evidence.verification import AskedRelease
from towpath.release.model import Release, ScanStatus, ScanSummary, one_image

LONGEST_CHAIN = 100
"""Releases between the one that runs and the one that comes, whose authors are asked for."""
TRIED = 20
"""Records of earlier commits that may be false before a release counts as the first."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A release as its evidence states it, and the fingerprint of the key that signed that."""

    release: Release
    evidence: ReleaseEvidence
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """The id of the release before a commit, empty for the first, and who wrote what came since."""

    previous: str
    authors: tuple[str, ...]


def prove(trusted: TrustedKeys, app: App, digest: str) -> Proven:
    """The release of `app` with that digest, by the newest evidence that holds. EvidenceError without any."""
    asked = AskedRelease(app.name, digest, (BUILDER,))
    found = prove_release(app.only_image, asked, trusted, datetime.now(UTC))
    return Proven(release_of(found.evidence, app, digest), found.evidence, found.fingerprint)


def prove_commit(trusted: TrustedKeys, app: App, commit: str) -> Proven | None:
    """The release that was built from a commit before; None without a record. EvidenceError if it lies."""
    record = registry.find_release(app.only_image, commit)
    if record is None:
        return None
    proven = prove(trusted, app, record.digest)
    if proven.release.commit != commit:
        raise OtherSubjectError(
            f"the record of commit {commit[:7]} names an image that was built from {proven.release.short_id}",
            remedy="Somebody wrote a false record. Deliver the commit again.",
        )
    return proven


def authors_of(trusted: TrustedKeys, app: App, proven: Proven, running: str) -> tuple[str, ...]:
    """Everybody who wrote what comes with the release where the release `running` is; of all where none is.

    Each release names the one before it and the authors between, so the source is not asked. EvidenceError
    when the evidence of one between is not there any more: then nobody knows its authors.
    """
    authors, evidence = set(proven.evidence.authors), proven.evidence
    for _ in range(LONGEST_CHAIN):
        if not evidence.previous or evidence.previous == running:
            break
        evidence = _link(trusted, app.only_image, app.name, evidence.previous)
        authors.update(evidence.authors)
    return tuple(sorted(authors))


@lru_cache(maxsize=1024)
def _link(trusted: TrustedKeys, image: str, app: str, digest: str) -> ReleaseEvidence:
    """The evidence of an earlier release, kept: what was proven of it by these keys does not change."""
    return prove_release(image, AskedRelease(app, digest, (BUILDER,)), trusted, datetime.now(UTC)).evidence


def lineage(trusted: TrustedKeys, app: App, files: Checkout) -> Lineage:
    """The release before the commit of `files`, and everybody who wrote what came since.

    Records only say where to look: one without evidence of its own commit counts for nothing, and then more
    authors are named, never fewer.
    """
    for commit in earlier_commits(files, _recorded(app.only_image))[:TRIED]:
        try:
            proven = prove_commit(trusted, app, commit)
        except TerminalError:  # EvidenceError, or a record that cannot be read
            continue
        if proven is not None:
            return Lineage(proven.release.id, authors_since(files, commit))
    return Lineage("", authors_since(files))


def _recorded(image: str) -> set[str]:
    try:
        return registry.recorded_commits(image)
    except TerminalError:  # a registry that lists no tags
        return set()


def attest(evidence: ReleaseEvidence, app: App, key: PrivateKey) -> Release:
    """Sign the evidence, attach it to the image, and return the release that it proves."""
    attach_release(evidence, key)
    return release_of(evidence, app, evidence.images[0].digest)


def release_of(evidence: ReleaseEvidence, app: App, digest: str) -> Release:
    """The release that evidence states, with nothing else added."""
    scan = evidence.scan
    return Release(
        app=evidence.app,
        images=one_image(next(iter(app.images)), app.only_image, digest),
        commit=evidence.commit,
        source=evidence.source,
        subject=evidence.subject,
        author=evidence.author or next(iter(evidence.authors)),
        built_at=evidence.finished_at,
        scan=ScanSummary(
            status=_status(scan.status),
            scanners=scan.scanners,
            counts=scan.counts,
            scanner_version=scan.scanner,
            policy=scan.policy,
            findings=scan.findings,
            os=scan.system,
        ),
        flow_run=evidence.run,
    )


def _status(text: str) -> ScanStatus:
    statuses: dict[str, ScanStatus] = {"passed": "passed", "blocked": "blocked"}
    return statuses.get(text, "not-scanned")
