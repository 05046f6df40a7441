"""Images that were built elsewhere: looked up, scanned, and recorded as a release like one built here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from tasks.image import Scan, pull, scan_images
from tasks.release import release_markdown
from tasks.runs.report import report
from tasks.runs.run_identity import actor, run_id
from tasks.runs.step import settings, step
from tasks.sbom import attach_sboms
from towpath.adapters.registries import registry
from towpath.config import App, ScanPolicy
from towpath.engine.gates.admission import scan_objection
from towpath.engine.source.composition import (
    begins_in,
    compose,
    digests_elsewhere,
    first_of,
    split_delivery,
)
from towpath.engine.source.keys import BUILDER, load_signing_key, load_trusted_keys
from towpath.engine.source.release_proof import attest, prove
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import EvidenceError
from towpath.evidence.statement import Image, ReleaseEvidence
from towpath.formats.versions import FileVersion
from towpath.orchestration import keys
from towpath.redact import redact
from towpath.release.model import Images, Release, id_of_images, repositories

DIGITS = 7


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """The images of a release by their digests, and how they are scanned.

    `before` is the proven release that gave those that nobody named now; None: there are none.
    """

    config: App
    policy: ScanPolicy
    version: FileVersion
    first_environments: tuple[str, ...]
    images: Images
    before: Release | None
    begun_at: str

    @property
    def app(self) -> str:
        return self.config.name

    @property
    def id(self) -> str:
        """That of the release."""
        return id_of_images(self.images)

    @property
    def built(self) -> Release | None:
        """The release whose images were built of a commit, and stay; of an app that is built here only."""
        return self.before if self.config.built and self.before and self.before.commit else None

    @property
    def source(self) -> str:
        """Where the images come from."""
        return self.built.source if self.built else ", ".join(repositories(self.images))

    @property
    def short_id(self) -> str:
        return self.id.removeprefix("sha256:")[:DIGITS]

    @property
    def told(self) -> str:
        """One line that says what it is."""
        if len(self.images) == 1:
            return f"Prebuilt image {self.images[0].digest}"
        return f"Prebuilt images {', '.join(f'{each.name} {each.digest[7:19]}' for each in self.images)}"


def is_prebuilt(revision: str) -> bool:
    """Whether nothing but images by their digests is delivered."""
    return not split_delivery(revision)[0]


@step("look up images of {app}")
def take(app: str, references: str, environment: str) -> Prebuilt:
    """The images by their digests, which must be in the app's own repositories in the registry.

    Those of its images that are not named stay as the environment has them where it begins.
    """
    repo = read_repository(settings())
    config = repo.config
    wanted = config.app(app)
    named = digests_elsewhere(wanted, split_delivery(references)[1])
    firsts, first = first_of(repo, wanted, environment), environment or begins_in(repo, wanted)
    for each in firsts:
        repo.protection.require(each, app)
    images = compose(repo, wanted, first, named)
    for image in images:
        registry.read_manifest(image.reference)
    return Prebuilt(
        config=wanted,
        policy=config.scan,
        version=config.api_version,
        first_environments=firsts,
        images=images,
        before=_kept_from(repo, wanted, first, images),
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _kept_from(repo: EnvironmentRepo, app: App, environment: str, images: Images) -> Release | None:
    """The release that the environment runs, if some of these images are its and it is proven.

    Then its authors count for the new one, too, and so does the commit that images of it were built from.
    EvidenceError where one of them was built here, and nothing proves it.
    """
    state = repo.release(app.name, environment)
    if state is None or not set(images) & set(state.release.images):
        return None
    try:
        release = state.release
        return prove(load_trusted_keys(settings().trusted_keys), app, release.id, release.images).release
    except EvidenceError:  # a person merged it: nobody proved its authors
        if app.built:
            raise
        return None


@step("look for a release of {prebuilt.app} {prebuilt.short_id}")
def recorded_prebuilt(prebuilt: Prebuilt) -> Release | None:
    """The release, if it was recorded before, is proven, and its scan is enough today."""
    load_signing_key(settings())
    trusted = load_trusted_keys(settings().trusted_keys)
    try:
        release = prove(trusted, prebuilt.config, prebuilt.id, prebuilt.images).release
    except EvidenceError:
        return None
    if why := scan_objection(release, prebuilt.policy):
        get_run_logger().info("%s is scanned again: it %s", release.references, redact(why))
        return None
    return release


@step("scan {prebuilt.app} {prebuilt.short_id}")
def scan_prebuilt(prebuilt: Prebuilt) -> Scan:
    """Pull each image and scan it as the policy asks. What blocks, or was not scanned, stops them all."""
    pulled = {image.name: pull(image) for image in prebuilt.images}
    return scan_images(prebuilt, pulled, "Nothing was recorded. Another image, or the policy, has to change.")


@step("record {prebuilt.app} {prebuilt.short_id}")
def record_prebuilt(prebuilt: Prebuilt, scanned: Scan) -> Release:
    """Sign what the images are and how their scan went. Who brought them in counts as their author."""
    sboms = attach_sboms(prebuilt.images, scanned.parts)
    evidence = ReleaseEvidence(
        app=prebuilt.app,
        images=tuple(Image(each.image, each.digest) for each in prebuilt.images),
        source=prebuilt.source,
        commit=prebuilt.built.commit if prebuilt.built else "",
        authors=(actor(),),
        previous=prebuilt.before.id if prebuilt.before and prebuilt.before.id != prebuilt.id else "",
        scan=scanned.evidence,
        builder=BUILDER,
        started_at=prebuilt.begun_at,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        subject=prebuilt.told,
        author=actor(),
        run=run_id(),
        prebuilt=prebuilt.built is None,
    )
    release = attest(evidence, prebuilt.config, load_signing_key(settings()))
    registry.put_release(release, prebuilt.version)
    told = release_markdown(release, sboms)
    report(keys.release_key(release.app), told, f"Release {release.app} {release.short_id}")
    return release
