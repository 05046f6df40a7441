"""What a promotion would do: the environment repository with the new image, rendered and planned."""

import time
from dataclasses import dataclass

from tasks.runs.report import report
from tasks.runs.step import step
from towpath.engine.gates.admission import Admission
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.preview.plan import plan_promotion
from towpath.orchestration.keys import plan_key
from towpath.redact import redact
from towpath.release.model import Release

SCREEN = 12
"""Lines of a plan in the approval's form."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One promotion as planned against one commit of the environment repository.

    `manifests` is the hash of all that would be applied: approvals are bound to it. `brief` are its first
    lines; `page` shows all of it. `made_at`: when, by time.monotonic().
    """

    admission: Admission
    context: EnvironmentContext
    manifests: str
    summary: str
    brief: tuple[str, ...]
    page: str
    made_at: float

    @property
    def release(self) -> Release:
        """The release, as its evidence proves it."""
        return self.admission.release

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.context.environment.name


@step("plan {admission.release.app} {admission.release.short_id} in {context.environment.name}")
def plan(admission: Admission, context: EnvironmentContext) -> Proposal:
    """Put the release into the environment at the context's commit, and compare that with the cluster."""
    environment, release = context.environment.name, admission.release
    planned, made_at = plan_promotion(context, release), time.monotonic()
    summary = planned.summary()
    page = report(
        plan_key(environment, release.app),
        plan_markdown(release, environment, planned.to_markdown()),
        f"Plan of {release.app} {release.short_id} in {environment}: {summary}",
    )
    digest, brief = planned.desired_digest, planned.brief(SCREEN)
    return Proposal(admission, context, digest, summary, brief, page, made_at)


def plan_markdown(release: Release, environment: str, changes: str) -> str:
    """Release and plan as a person reads them before saying yes or no."""
    # As code: a commit's author must not be able to write Markdown.
    subject, author = (text.replace("`", "'") for text in (release.subject, release.author))
    text = "\n".join(
        [
            f"## {release.app} {release.short_id} to {environment}",
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
    return redact(text)
