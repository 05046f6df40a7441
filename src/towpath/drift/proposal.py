"""The proposal of adopted drift: branch, commit message, report. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from towpath.applyset.plan import fenced_block
from towpath.drift.adoption import AdoptableChange, NotAdopted
from towpath.redact import redact
from towpath.redact.markdown import plain_markdown
from towpath.release.commit_message import format_message, one_line

AUTHOR = "Towpath <towpath@localhost>"
"""The author of the commit; the message names the people who made the changes."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The result for one app: the branch (empty: none), its commit, and whether the commit is new."""

    app: str
    branch: str
    commit: str
    new: bool
    adopted: tuple[AdoptableChange, ...] = ()
    not_adopted: tuple[NotAdopted, ...] = ()
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"{self.app}: not adopted: {self.failure}"
        text = f"{len(self.adopted)} fields on branch {self.branch}" if self.branch else "nothing to adopt"
        text += "" if self.new or not self.branch else " as before"
        return f"{self.app}: {text}" + (f", {len(self.not_adopted)} not adopted" if self.not_adopted else "")


def adoption_branch(environment: str, app: str) -> str:
    """The name of the branch that proposes an app's drift, the same for every proposal."""
    return f"towpath/adopt-{environment}-{app}"


def adoption_message(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str,
    adopted: Iterable[AdoptableChange],
    not_adopted: Iterable[NotAdopted],
    flow_run: str,
    marker: tuple[str, str],
) -> str:
    """The commit message: every adopted field with its author, every other field with the reason."""
    lines = [*map(str, adopted), *(f"Not adopted: {each}" for each in not_adopted)]
    # Indented, so that no value can look like a trailer.
    body = "\n".join(f"    {one_line(redact(line))[:300]}" for line in lines)
    trailers = [
        ("Towpath-App", app),
        ("Towpath-Environment", environment),
        ("Towpath-Flow-Run", flow_run),
        marker,
    ]
    subject = f"Adopt what was changed by hand in {app} in {environment}"
    head, _, tail = format_message(subject, "", trailers).partition("\n\n")
    return f"{head}\n\n{body}\n\n{tail}"


def adoption_markdown(environment: str, proposals: Iterable[Proposal]) -> str:
    """The report for the Prefect UI."""
    parts = [f"## Drift adopted in {environment}"]
    for each in proposals:
        parts.append(f"### {each.app}")
        if each.failure:
            parts.append(f"Not adopted: {plain_markdown(each.failure)}")
        if each.branch and each.commit:
            parts.append(f"Branch `{each.branch}`, commit `{each.commit[:12]}`: review and merge it.")
        if each.adopted:
            parts.append(fenced_block("\n".join(map(str, each.adopted)), "text"))
        if each.not_adopted:
            parts.append("Not adopted:\n\n" + fenced_block("\n".join(map(str, each.not_adopted)), "text"))
    return "\n\n".join(parts) + "\n"
