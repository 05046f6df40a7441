"""The images of a release: built, tested, scanned, pushed. Nothing is pushed before the scan has passed."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prefect.logging import get_run_logger

from tasks.runs.report import report
from tasks.runs.step import settings as read_settings
from tasks.runs.step import step
from tasks.sbom import parts_of
from tasks.source import Build, Source
from towpath.adapters.images import trivy
from towpath.adapters.images.dockerfile import has_stage, stages
from towpath.adapters.registries import registry
from towpath.adapters.registries.oci import digest_of
from towpath.config import ScanPolicy
from towpath.errors import BuildError, ConflictError, RefusedError, TerminalError
from towpath.evidence.json_text import canonical
from towpath.evidence.statement import ScanEvidence
from towpath.files import read_text, resolve_inside
from towpath.orchestration.keys import scan_key
from towpath.redact.markdown import plain_markdown
from towpath.release.image_ref import parse_image
from towpath.release.joined_scans import join_verdicts
from towpath.release.judge_scan import judge_scan
from towpath.release.model import Images, ReleaseImage, ScanSummary
from towpath.release.scan_verdict import ScanVerdict

if TYPE_CHECKING:
    from towpath.adapters.images.builder import Builder

BUILD_TIMEOUT = 1800.0
SCAN_TIMEOUT = 600.0
PUSH_TIMEOUT = 600.0
"""Seconds."""


class Scanned(Protocol):
    """What is scanned: an app's commit, or an image that was built elsewhere."""

    @property
    def app(self) -> str: ...

    @property
    def short_id(self) -> str: ...

    @property
    def policy(self) -> ScanPolicy: ...

    @property
    def told(self) -> str:
        """One line that says what it is."""
        ...


@dataclass(frozen=True, slots=True)
class Built:
    """Built images: name -> id (`sha256:…` of its configuration) in the builder; and their source."""

    ids: Mapping[str, str]
    source: Source


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that has passed: its summary, the digest of the whole report, and by image what is in it.

    `parts` is CycloneDX; empty where Trivy could not list it.
    """

    summary: ScanSummary
    report: str
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def evidence(self) -> ScanEvidence:
        """What a run states about this scan."""
        return ScanEvidence(
            status=self.summary.status,
            report=self.report,
            policy=self.summary.policy,
            scanners=self.summary.scanners,
            findings=self.summary.findings,
            counts=self.summary.counts,
            scanner=self.summary.scanner_version,
            system=self.summary.os,
        )


@step("build {source.app} {source.short_id}")
def build(source: Source) -> Built:
    """Build the images from the checkout, labelled with where they come from."""
    from towpath.adapters.images import docker  # see _builder

    labels = docker.labels(
        commit=source.commit, source=source.url, version=source.short_id, created=source.committed_at
    )
    ids = {
        name: _build(source, how, tag=source.tag(name), target=how.target, labels=labels)
        for name, how in source.builds.items()
    }
    return Built(ids, source)


@step("test {built.source.app} {built.source.short_id}")
def test(built: Built) -> Built:
    """Build the test target of each Dockerfile: its build runs the tests. No target: nothing to do."""
    target = built.source.build.test_target
    if target is None:
        get_run_logger().info("no testTarget in towpath.yaml: skipped")
        return built
    files = {(how.context, how.dockerfile): name for name, how in reversed([*built.source.builds.items()])}
    for name in reversed(files.values()):
        how, tag = built.source.builds[name], f"{built.source.tag(name)}-{target}"
        try:
            _build(built.source, how, tag=tag, target=target, labels={})
        except TerminalError as error:
            raise without_stage(built.source, how, target) or error from error
    return built


def without_stage(source: Source, how: Build, target: str) -> BuildError | None:
    """What to do about a Dockerfile that has no stage for the tests; None when it has it."""
    path, app = how.dockerfile, source.app
    text = read_text(resolve_inside(source.path, how.context), path)
    if text is None or has_stage(text, target):
        return None
    return BuildError(
        f"{path} has no stage {target!r}, which the tests of {app} run in; it has: {', '.join(stages(text))}",
        remedy=f"Add a stage `FROM … AS {target}` that runs them, or say `source.testTarget: null` of"
        f" app {app} in towpath.yaml: then the build runs no tests.",
    )


@step("scan {built.source.app} {built.source.short_id}")
def scan(built: Built) -> Scan:
    """Scan as the policy asks. The report is published either way; what blocks, or was not scanned, stops."""
    pulled = {each.name: pull(each) for each in built.source.kept}
    return scan_images(built.source, {**built.ids, **pulled}, "Nothing was pushed. Fix it and commit.")


def pull(image: ReleaseImage) -> str:
    """Pull an image that was built elsewhere; its id in the builder."""
    return _builder().pull(parse_image(image.reference), timeout=SCAN_TIMEOUT)


def scan_images(of: Scanned, images: Mapping[str, str], remedy: str) -> Scan:
    """Scan images of the builder, by name their ids, publish the report, and refuse what may not pass.

    They pass together or not at all.
    """
    verdicts, parts = dict[str, ScanVerdict](), dict[str, bytes]()
    for name, image in images.items():
        found = scanned(image, of.policy)
        verdicts[name] = judge_scan(found, of.policy, image, now=datetime.now(UTC))
        if verdicts[name].passed:
            parts[name] = parts_of(name, found)
    verdict = join_verdicts(verdicts)
    summary = verdict.summary
    title = f"Scan of {of.app} {of.short_id}: {summary.status}"
    report(scan_key(of.app), scan_markdown(of, verdict), title)
    if summary.status != "passed":
        raise RefusedError(scan_refusal(of, verdict), remedy=remedy)
    return Scan(summary, digest_of(canonical(verdict.to_json())), parts)


def scanned(image: str, policy: ScanPolicy) -> dict[str, Any]:
    """The scanner's report on an image of the builder, by the scanners that the policy names."""
    settings = read_settings()
    with tempfile.TemporaryDirectory(prefix="towpath-scan-") as folder:
        tar = Path(folder) / "image.tar"
        _builder().save(image, tar, timeout=SCAN_TIMEOUT)
        return trivy.scan_image(
            trivy.find_trivy(settings),
            tar,
            policy.scanners,
            cache=settings.cache / "trivy",
            timeout=SCAN_TIMEOUT,
        )


@step("push {built.source.app} {built.source.short_id}")
def push(built: Built, scanned: Scan) -> Images:
    """Push what was scanned; all images of the release, by the digests that the registry holds."""
    source, builder = built.source, _builder()
    if scanned.summary.status != "passed":  # never without a scan, whoever calls
        raise RefusedError(f"{source.app} {source.short_id} has no passed scan")
    pushed = []
    for name, image in built.ids.items():
        tag = parse_image(source.tag(name))
        digest = builder.push(image, tag, timeout=PUSH_TIMEOUT)
        held = registry.read_manifest(tag.with_digest(digest))
        if held.config_digest != image:
            raise ConflictError(f"the registry holds another image as {digest} than the one that was scanned")
        pushed.append(ReleaseImage(name, source.builds[name].repository, digest))
    builder.forget(built.ids.values())
    return (*pushed, *source.kept)


def _builder() -> "Builder":
    # The docker SDK takes 7 MB, and an environment's agent, which imports this module too, builds nothing.
    from towpath.adapters.images.builder import builder_of

    return builder_of(read_settings())


def _build(source: Source, how: Build, *, tag: str, target: str | None, labels: dict[str, str]) -> str:
    log = get_run_logger()
    return _builder().build(
        resolve_inside(source.path, how.context),
        how.dockerfile,
        tag=tag,
        target=target,
        build_args=how.args,
        labels=labels,
        on_line=lambda line: log.info("%s", line),
        timeout=BUILD_TIMEOUT,
    )


def scan_refusal(source: Scanned, verdict: ScanVerdict) -> str:
    """`scan blocks hello 1a2b3c4: secret/private-key (HIGH) in /app/key.pem`"""
    named = "; ".join([*verdict.reasons, *(str(finding) for finding in verdict.blocked_by[:5])])
    rest = len(verdict.blocked_by) - 5
    more = f" and {rest} more" if rest > 0 else ""
    return f"scan blocks {source.app} {source.short_id}: {named}{more}"


def scan_markdown(source: Scanned, verdict: ScanVerdict) -> str:
    """The report: verdict first, then every finding; never the text of a secret."""
    summary = verdict.summary
    counts = (
        ", ".join(f"{count} {severity}" for severity, count in summary.counts.items() if count)
        or "no findings"
    )
    lines = [
        f"# Scan of {source.app} {source.short_id}: {summary.status}",
        "",
        plain_markdown(source.told),
        "",
        f"Scanners {', '.join(summary.scanners) or 'none'} · version {summary.scanner_version} · {counts}",
        "",
    ]
    blocking = set(verdict.blocked_by)
    lines += [f"- not scanned: {plain_markdown(reason)}" for reason in verdict.reasons]
    for each in verdict.findings:
        lines.append(f"- {'**blocks** ' if each in blocking else ''}{plain_markdown(str(each))}")
    return "\n".join(lines)
