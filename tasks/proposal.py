"""What a promotion would do: the environment repository with the new image, rendered and planned."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.cluster import connect_environment
from tasks.desired import read_desired
from tasks.report import artifact_key, report
from tasks.step import settings, step
from towpath.engine.apply.plan import plan_app
from towpath.engine.source.edits import promote_edits, render_with
from towpath.redact import redact
from towpath.release.model import EnvironmentRelease, Release


@dataclass(frozen=True, slots=True)
class Proposal:
    """One promotion as planned against one commit of the environment repository.

    `manifests` is the hash of all that would be applied: approvals are bound to it.
    """

    release: Release
    environment: str
    base: str
    manifests: str
    summary: str
    markdown: str


@step("plan {release.app} {release.short} in {environment}")
def plan(release: Release, environment: str) -> Proposal:
    """Put the release into the newest desired state and compare with the cluster. Changes nothing."""
    desired = read_desired()
    where = desired.config.environment(environment)
    intended = EnvironmentRelease(release, promoted_at="", promoted_by="")
    edits = promote_edits(desired.root, desired.config, environment, intended)
    given = settings()
    rendered = render_with(
        desired.root,
        desired.config,
        release.app,
        environment,
        edits,
        tools=given.tools,
        cache=given.renders,
    )
    confirmed = desired.confirmed(release.app, environment)
    planned = plan_app(connect_environment(where), rendered, where, confirmed=confirmed)
    markdown = plan_markdown(release, environment, planned.to_markdown())
    report(
        artifact_key("plan", environment, release.app),
        markdown,
        f"Plan of {release.app} {release.short} in {environment}: {planned.summary()}",
    )
    return Proposal(
        release=release,
        environment=environment,
        base=desired.commit,
        manifests=rendered.digest,
        summary=planned.summary(),
        markdown=markdown,
    )


def plan_markdown(release: Release, environment: str, changes: str) -> str:
    """Release and plan as a person reads them before saying yes or no."""
    # As code: a commit's author must not be able to write Markdown into the approver's form.
    subject, author = (text.replace("`", "'") for text in (release.subject, release.author))
    text = "\n".join(
        [
            f"## {release.app} {release.short} to {environment}",
            "",
            f"`{subject}` by `{author}`",
            "",
            f"- image `{release.reference}`",
            f"- commit `{release.commit}`",
            f"- scan {release.scan.status}",
            "",
            "### Plan",
            "",
            changes,
        ]
    )
    return redact(text)  # the approval's form shows it as it is


def now() -> str:
    """RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
