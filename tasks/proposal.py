"""What a promotion would do: the environment repository with the new image, rendered and planned."""

from dataclasses import dataclass

from tasks.runs.report import report
from tasks.runs.step import step
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.preview.plan import plan_promotion
from towpath.engine.source.gate import prove_promotion
from towpath.orchestration.keys import plan_key
from towpath.redact import redact
from towpath.release.model import Release


@dataclass(frozen=True, slots=True)
class Proposal:
    """One promotion as planned against one commit of the environment repository.

    `manifests` is the hash of all that would be applied: approvals are bound to it. `authors` wrote what is
    new with the release.
    """

    release: Release
    context: EnvironmentContext
    manifests: str
    summary: str
    markdown: str
    authors: tuple[str, ...]

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.context.environment.name


@step("plan {release.app} {release.short} in {context.environment.name}")
def plan(release: Release, context: EnvironmentContext) -> Proposal:
    """Prove the release, put it into the environment at the context's commit, compare with the cluster."""
    environment = context.environment.name
    proven = prove_promotion(context.repo, environment, release.app, release.digest, context.trusted_keys)
    release = proven.release
    planned = plan_promotion(context, release)
    markdown = plan_markdown(release, environment, planned.to_markdown())
    summary = planned.summary()
    report(
        plan_key(environment, release.app),
        markdown,
        f"Plan of {release.app} {release.short} in {environment}: {summary}",
    )
    return Proposal(release, context, planned.desired_digest, summary, markdown, proven.authors)


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
            *(f"- image `{each.reference}`" for each in release.images),
            f"- commit `{release.commit}`",
            f"- scan {release.scan.status}",
            "",
            "### Plan",
            "",
            changes,
        ]
    )
    return redact(text)  # the approval's form shows it as it is
