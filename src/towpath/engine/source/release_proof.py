"""What proves a release: the evidence that the build agent signed. The one module that asks for it.

Whoever writes to the registry can write records and attach statements. So a release is made of its evidence
alone; a record only says which digest a commit may have, and what it says is proven or not used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from towpath.adapters.evidence.release_evidence import attach_release, prove_release
from towpath.adapters.git import Checkout, authors_since, earlier_commits
from towpath.adapters.registries import registry
from towpath.config import App
from towpath.engine.source.keys import BUILDER
from towpath.errors import EvidenceError, OtherSubjectError, TerminalError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.statement import ReleaseEvidence
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.evidence.verification import AskedRelease
from towpath.release.image_ref import check_digest, same_repository
from towpath.release.model import Images, Release, ReleaseImage, ScanStatus, ScanSummary, one_image

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


def prove(trusted: TrustedKeys, app: App, release: str, named: Images = ()) -> Proven:
    """The release of `app` with that id, by the newest evidence that holds. EvidenceError without any.

    `named` are its images where somebody says them already. Of several images only their record tells else
    which ones they are; the evidence must then be about exactly these, and give that id.
    """
    return _prove(trusted, app.name, tuple(app.images.items()), release, named)


def _prove(
    trusted: TrustedKeys, app: str, declared: tuple[tuple[str, str], ...], release: str, named: Images
) -> Proven:
    check_digest(release)
    first, *others = named or _recorded_images(app, declared, release)
    # Only the app's own repositories are asked, whatever Git or a record names.
    image = declared[0][1] if len(declared) == 1 else dict(declared).get(first.name)
    if image is None:
        raise OtherSubjectError(
            f"release {release[:19]} has an image {first.name[:60]!r}, and {app} has none of that name",
            remedy="The app's images have changed since. Deliver a new release of it.",
        )
    asked = AskedRelease(app, first.digest, (BUILDER,), tuple(each.digest for each in others))
    found = prove_release(image, asked, trusted, datetime.now(UTC))
    proven = release_of(found.evidence, declared)
    if proven.id != release:
        raise OtherSubjectError(
            f"the evidence is about {proven.references}, which is no release {release[:19]} of {app}",
            remedy="Somebody wrote a false record, or the names of images have changed. Deliver it again.",
        )
    return Proven(proven, found.evidence, found.fingerprint)


def _recorded_images(app: str, declared: tuple[tuple[str, str], ...], release: str) -> Images:
    """Where to look for the evidence of a release: its images, as whoever wrote its record says."""
    if not declared:
        raise EvidenceError(f"app {app} has no image, so it has no releases that evidence could prove")
    name, image = declared[0]
    if len(declared) == 1:
        return one_image(name, image, release)
    record = registry.get_release(image, release)
    if record is None:
        raise EvidenceError(
            f"there is no record of a release {release[:19]} of {app} in {image}",
            remedy=f"`towpath releases {app}` lists those that there are.",
        )
    return record.images


def prove_commit(trusted: TrustedKeys, app: App, commit: str) -> Proven | None:
    """The release that was built from a commit before; None without a record. EvidenceError if it lies."""
    record = registry.find_release(app.first_image, commit)
    if record is None:
        return None
    proven = prove(trusted, app, record.id, record.images)
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
        evidence = _link(trusted, app.name, tuple(app.images.items()), evidence.previous)
        authors.update(evidence.authors)
    return tuple(sorted(authors))


@lru_cache(maxsize=1024)
def _link(
    trusted: TrustedKeys, app: str, declared: tuple[tuple[str, str], ...], release: str
) -> ReleaseEvidence:
    """The evidence of an earlier release, kept: what was proven of it by these keys does not change."""
    return _prove(trusted, app, declared, release, ()).evidence


def lineage(trusted: TrustedKeys, app: App, files: Checkout) -> Lineage:
    """The release before the commit of `files`, and everybody who wrote what came since.

    Records only say where to look: one without evidence of its own commit counts for nothing, and then more
    authors are named, never fewer.
    """
    for commit in earlier_commits(files, _recorded(app.first_image))[:TRIED]:
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
    """Sign the evidence, attach it to each image, and return the release that it proves."""
    attach_release(evidence, key)
    return release_of(evidence, tuple(app.images.items()))


def release_of(evidence: ReleaseEvidence, declared: tuple[tuple[str, str], ...]) -> Release:
    """The release that evidence states, with nothing else added; `declared` are the app's images by name.

    OtherSubjectError where it has others.
    """
    scan = evidence.scan
    return Release(
        app=evidence.app,
        images=_images_of(evidence, declared),
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


def _images_of(evidence: ReleaseEvidence, declared: tuple[tuple[str, str], ...]) -> Images:
    """The images by their names in towpath.yaml. The repository of the only one may have another name now."""
    if len(declared) == len(evidence.images) == 1:
        return one_image(*declared[0], evidence.images[0].digest)
    images = tuple(
        ReleaseImage(name, image, stated.digest)
        for name, image in declared
        for stated in evidence.images
        if same_repository(stated.name, image)
    )
    if len(images) != len(declared) or len(images) != len(evidence.images):
        stated_names = ", ".join(sorted(each.name for each in evidence.images))
        raise OtherSubjectError(
            f"the evidence is about {stated_names}, and {evidence.app} has"
            f" {', '.join(sorted(image for _, image in declared)) or 'no image'}",
            remedy="The app's images have changed since. Deliver a new release of it.",
        )
    return images


def _status(text: str) -> ScanStatus:
    statuses: dict[str, ScanStatus] = {"passed": "passed", "blocked": "blocked"}
    return statuses.get(text, "not-scanned")
