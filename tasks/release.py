"""The release's record in the registry: written once, after the image, and read wherever it takes effect."""

from datetime import UTC, datetime

from prefect.logging import get_run_logger

from tasks.runs.report import report
from tasks.runs.run_identity import identify_run, promotion_name, release_tags, run_id
from tasks.runs.step import step
from tasks.source import Source
from towpath.adapters import registry
from towpath.engine.live.context import EnvironmentContext
from towpath.errors import UnknownNameError
from towpath.orchestration import keys
from towpath.release.model import Release, ScanSummary, one_image
from towpath.release.scan_policy import recorded_scan_problem


@step("look for a release of {source.app} {source.short}")
def recorded(source: Source) -> Release | None:
    """The release that was built from this commit before, if its scan is enough by the policy of now."""
    release = registry.find_release(source.image, source.commit)
    why = recorded_scan_problem(release.scan, source.policy, now=datetime.now(UTC)) if release else ""
    if release is not None and why:
        get_run_logger().info("%s %s is built and scanned again: it %s", release.app, release.short, why)
        return None
    if release is not None:
        get_run_logger().info("%s %s is released already: %s", release.app, release.short, release.digest)
    return release


@step("record {source.app} {source.short}")
def record(source: Source, digest: str, scanned: ScanSummary) -> Release:
    """Write down what the pushed image is, beside it in the registry."""
    release = release_of(source, digest, scanned)
    registry.put_release(release, source.version)
    title = f"Release {release.app} {release.short}"
    report(keys.release_key(release.app), release_markdown(release), title)
    return release


def release_of(source: Source, digest: str, scanned: ScanSummary) -> Release:
    """The release of the image with that digest, built now by this run."""
    return Release(
        app=source.app,
        images=one_image(next(iter(source.config.images)), source.image, digest),
        commit=source.commit,
        source=source.url,
        subject=source.subject,
        author=source.author,
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        scan=scanned,
        flow_run=run_id(),
    )


@step("read release of {app} for {context.environment.name}")
def read_release(app: str, digest: str, context: EnvironmentContext) -> Release:
    """The release by its digest, from the registry: what the run's creator says about it is not believed."""
    environment = context.environment.name
    release = registry.get_release(context.repo.config.app(app).only_image, digest)
    if release is None or release.app != app or release.id != digest:
        raise UnknownNameError("release", digest, where=f"the registry of app {app}")
    identify_run(
        promotion_name(release, environment), [keys.environment_tag(environment), *release_tags(release)]
    )
    return release


def release_markdown(release: Release) -> str:
    """What a person wants to know about a release."""
    counts = ", ".join(f"{count} {severity}" for severity, count in release.scan.counts.items() if count)
    scanners = ", ".join(release.scan.scanners)
    return "\n".join(
        [
            f"# {release.app} {release.short}",
            "",
            f"{release.subject} ({release.author})",
            "",
            "| | |",
            "|---|---|",
            *(f"| image | `{each.reference}` |" for each in release.images),
            f"| commit | `{release.commit}` of {release.source} |",
            f"| built | {release.built_at} |",
            f"| scan | {release.scan.status} ({scanners}): {counts or 'no findings'} |",
        ]
    )
