"""A release and its evidence in the registry: signed after the push, proven wherever it takes effect."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from tasks.image import Scan
from tasks.runs.report import report
from tasks.runs.run_identity import identify_run, promotion_name, release_tags, run_id
from tasks.runs.step import settings, step
from tasks.sbom import NONE, attach_sboms
from tasks.source import Source
from towpath.adapters.registries import registry
from towpath.engine.gates.admission import Admission, Entry, admit, scan_objection
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.keys import BUILDER, load_signing_key, load_trusted_keys
from towpath.engine.source.release_proof import Lineage, attest, lineage, prove_commit
from towpath.errors import EvidenceError, UnknownNameError
from towpath.evidence.statement import Image, ReleaseEvidence
from towpath.gates.ways import Way
from towpath.orchestration import keys
from towpath.redact import redact
from towpath.redact.markdown import plain_markdown
from towpath.release.model import Images, Release


@step("look for a release of {source.app} {source.short_id}")
def recorded(source: Source) -> Release | None:
    """The release that was built from this commit before, if it is proven and its scan is enough today.

    The keys are asked for first: nothing is built that could not be signed.
    """
    load_signing_key(settings())
    trusted = load_trusted_keys(settings().trusted_keys)
    try:
        proven = prove_commit(trusted, source.config, source.commit)
    except EvidenceError as error:
        _tell_built_again(source, f"is recorded without evidence that holds: {error.message}")
        return None
    if proven is None:
        return None
    release = proven.release
    if not set(source.kept) <= set(release.images):
        _tell_built_again(source, "has other images beside it")
        return None
    if why := scan_objection(release, source.policy):
        _tell_built_again(source, why)
        return None
    get_run_logger().info("%s %s is released already: %s", release.app, release.short_id, release.references)
    return release


def _tell_built_again(source: Source, why: str) -> None:
    get_run_logger().info("%s %s is built and scanned again: it %s", source.app, source.short_id, redact(why))


@step("record {source.app} {source.short_id}")
def record(source: Source, images: Images, scanned: Scan) -> Release:
    """Sign what the images are and how they came about, attach that to each, and make them easy to find.

    The record beside it only tells where to look: it proves nothing.
    """
    trusted = load_trusted_keys(settings().trusted_keys)
    sboms = attach_sboms(images, scanned.parts)  # first: a release that is proven is not recorded again
    evidence = evidence_of(source, images, scanned, lineage(trusted, source.config, source.files))
    release = attest(evidence, source.config, load_signing_key(settings()))
    registry.put_release(release, source.version)
    title = f"Release {release.app} {release.short_id}"
    report(keys.release_key(release.app), release_markdown(release, sboms), title)
    return release


def evidence_of(source: Source, images: Images, scanned: Scan, since: Lineage) -> ReleaseEvidence:
    """What this run states about the images, built now."""
    return ReleaseEvidence(
        app=source.app,
        images=tuple(Image(each.image, each.digest) for each in images),
        source=source.url,
        commit=source.commit,
        authors=tuple(map(redact, since.authors)),
        previous=since.previous,
        scan=scanned.evidence,
        builder=BUILDER,
        started_at=source.begun_at,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        subject=source.subject,
        author=source.author,
        run=run_id(),
    )


@step("read release of {app} for {context.environment.name}")
def read_release(app: str, digest: str, context: EnvironmentContext, override: str) -> Admission:
    """The release by its digest, as its evidence proves it: nothing else that is said of it is believed.

    It is judged as well, but only the gate refuses it. `override` is what an owner signed; empty: nothing.
    """
    environment = context.environment.name
    way: Way = "break-glass" if override else "promotion"
    entry = Entry(context.repo, environment, app, digest, way, override=override, run=run_id())
    try:
        admission = admit(entry, load_trusted_keys(context.trusted_keys))
    except EvidenceError:
        if registry.get_release(context.repo.config.app(app).first_image, digest) is None:
            raise UnknownNameError("release", digest, where=f"the registry of app {app}") from None
        raise
    release, loud = admission.release, [keys.BREAK_GLASS] if admission.override else []
    tags = [keys.environment_tag(environment), *release_tags(release), *loud]
    identify_run(promotion_name(release, environment), tags)
    return admission


@step("prove {admission.release.app} {admission.release.short_id} for {admission.entry.environment} again")
def renew(admission: Admission, context: EnvironmentContext) -> Admission:
    """Judge it anew at a later commit, with what the registry has of it now."""
    return admit(replace(admission.entry, repo=context.repo), load_trusted_keys(context.trusted_keys))


def release_markdown(release: Release, sboms: Mapping[str, str]) -> str:
    """What a person wants to know about a release. `sboms` says by image what its bill of materials has."""
    counts = ", ".join(f"{count} {severity}" for severity, count in release.scan.counts.items() if count)
    scanners = ", ".join(release.scan.scanners)
    return "\n".join(
        [
            f"# {release.app} {release.short_id}",
            "",
            f"{plain_markdown(release.subject)} ({plain_markdown(release.author)})",
            "",
            "| | |",
            "|---|---|",
            *(f"| image | `{each.reference}` |" for each in release.images),
            *(f"| SBOM of {each.name} | {sboms.get(each.name, NONE)} |" for each in release.images),
            f"| commit | `{release.commit}` of {release.source} |",
            f"| built | {release.built_at} |",
            f"| scan | {release.scan.status} ({scanners}): {counts or 'no findings'} |",
        ]
    )
