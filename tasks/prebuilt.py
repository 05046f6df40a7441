"""An image that was built elsewhere: looked up, scanned, and recorded as a release like one built here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from tasks.image import SCAN_TIMEOUT, Scan, scan_image_of
from tasks.release import release_markdown
from tasks.runs.report import report
from tasks.runs.run_identity import actor, run_id
from tasks.runs.step import settings, step
from towpath.adapters import docker, registry
from towpath.config import App, ScanPolicy
from towpath.engine.gates.admission import scan_objection
from towpath.engine.source.keys import BUILDER, load_signing_key, load_trusted_keys
from towpath.engine.source.release_proof import attest, prove
from towpath.engine.source.repository import read_repository
from towpath.errors import EvidenceError, RefusedError
from towpath.evidence.statement import Image, ReleaseEvidence
from towpath.formats.versions import FileVersion
from towpath.orchestration import keys
from towpath.redact import redact
from towpath.release.image_ref import parse_image, same_repository
from towpath.release.model import Release

DIGITS = 7


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """An image of an app by its digest, and how it is scanned."""

    config: App
    policy: ScanPolicy
    version: FileVersion
    first_environment: str
    digest: str
    begun_at: str

    @property
    def app(self) -> str:
        return self.config.name

    @property
    def reference(self) -> str:
        """`IMAGE@sha256:…`"""
        return f"{self.config.only_image}@{self.digest}"

    @property
    def short_id(self) -> str:
        return self.digest.removeprefix("sha256:")[:DIGITS]

    @property
    def told(self) -> str:
        """One line that says what it is."""
        return f"Prebuilt image {self.digest}"


def is_prebuilt(revision: str) -> bool:
    """Whether a revision is an image by its digest. No revision of Git has an `@` before a colon."""
    return "@sha256:" in revision


@step("look up an image of {app}")
def take(app: str, reference: str) -> Prebuilt:
    """The image by its digest, which must be in the registry, and in the app's own repository there."""
    repo = read_repository(settings())
    config = repo.config
    wanted, image = config.app(app), parse_image(reference)
    if wanted.source is not None:
        raise RefusedError(
            f"{app} has a `source`, so its releases are built here",
            remedy=f"`towpath deliver {app}` builds one. Without `source`, images come from elsewhere.",
        )
    if not same_repository(image.name, wanted.only_image):
        raise RefusedError(f"{image.name} is not the image of {app}, which is {wanted.only_image}")
    repo.protection.require(config.first_environment(app).name, app)
    prebuilt = Prebuilt(
        config=wanted,
        policy=config.scan,
        version=config.api_version,
        first_environment=config.first_environment(app).name,
        digest=image.digest or "",
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    registry.read_manifest(prebuilt.reference)
    return prebuilt


@step("look for a release of {prebuilt.app} {prebuilt.short_id}")
def recorded_prebuilt(prebuilt: Prebuilt) -> Release | None:
    """The release, if it was recorded before, is proven, and its scan is enough today."""
    load_signing_key(settings())
    try:
        release = prove(load_trusted_keys(settings().trusted_keys), prebuilt.config, prebuilt.digest).release
    except EvidenceError:
        return None
    if why := scan_objection(release, prebuilt.policy):
        get_run_logger().info("%s is scanned again: it %s", prebuilt.reference, redact(why))
        return None
    return release


@step("scan {prebuilt.app} {prebuilt.short_id}")
def scan_prebuilt(prebuilt: Prebuilt) -> Scan:
    """Pull the image and scan it as the policy asks. What blocks, or was not scanned, stops."""
    host = settings().docker_host
    image = docker.pull(parse_image(prebuilt.reference), docker_host=host, timeout=SCAN_TIMEOUT)
    return scan_image_of(
        prebuilt, image, "Nothing was recorded. Another image, or the policy, has to change."
    )


@step("record {prebuilt.app} {prebuilt.short_id}")
def record_prebuilt(prebuilt: Prebuilt, scanned: Scan) -> Release:
    """Sign what the image is and how its scan went. Who brought it in counts as its author."""
    evidence = ReleaseEvidence(
        app=prebuilt.app,
        images=(Image(prebuilt.config.only_image, prebuilt.digest),),
        source=prebuilt.config.only_image,
        commit="",
        authors=(actor(),),
        previous="",
        scan=scanned.evidence,
        builder=BUILDER,
        started_at=prebuilt.begun_at,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        subject=prebuilt.told,
        author=actor(),
        run=run_id(),
        prebuilt=True,
    )
    release = attest(evidence, prebuilt.config, load_signing_key(settings()))
    registry.put_release(release, prebuilt.version)
    report(
        keys.release_key(release.app), release_markdown(release), f"Release {release.app} {release.short_id}"
    )
    return release
