"""What verbs compare with where no cluster is named: what the environment's agent last published."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from towpath.adapters.kubernetes.connect import is_named
from towpath.engine.source.published import Published, read_published
from towpath.errors import MissingPartError
from towpath.printable import pluralize
from towpath.settings import Settings


@dataclass(frozen=True, slots=True)
class Against:
    """What was compared with: the cluster, or what was published. `notes` are what a reader must know."""

    published: Published | None = None
    notes: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> "Against":
        """And what else a reader must know."""
        return replace(self, notes=(*self.notes, *filter(None, notes)))

    def banner(self) -> tuple[str, ...]:
        """Lines for the top of the output; none when the cluster was asked."""
        found = self.published
        if found is None:
            return ()
        name, commit = found.state.environment, found.state.commit[:7]
        lines = [
            f"compared with what {name}'s agent published {format_age(found.age)} ago"
            f" (commit {commit or 'not known'}), not with the cluster"
        ]
        return (*lines, *(f"warning: {warning}" for warning in self.warnings()))

    def warnings(self) -> tuple[str, ...]:
        """What makes the comparison less sure than it looks."""
        found = self.published
        if found is None:
            return ()
        warnings = []
        if found.stale:
            warnings.append(
                f"it is {format_age(found.age)} old: {found.state.environment}'s agent does not run,"
                " or cannot push"
            )
        if not found.signed_by:
            warnings.append("nobody proves who published it: this machine has no trusted keys")
        if found.state.left_out:
            warnings.append(
                f"{pluralize(found.state.left_out, 'object')} that differ were too many to publish"
            )
        return (*warnings, *self.notes)

    def to_json(self) -> dict[str, Any] | None:
        """None when the cluster was asked."""
        found = self.published
        if found is None:
            return None
        return {
            "environment": found.state.environment,
            "at": found.state.at,
            "age_seconds": int(found.age.total_seconds()),
            "stale": found.stale,
            "commit": found.state.commit,
            "signed_by": found.signed_by or None,
            "warnings": list(self.warnings()),
        }


CLUSTER = Against()


def against(settings: Settings, environment: str) -> Against:
    """The cluster, if this machine names one; else what was published of the environment.

    Raises MissingPartError when there is neither. A kubeconfig that cannot be used is an error, as before.
    """
    if is_named(settings.connection):
        return CLUSTER
    missing = f"no kubeconfig at {Path('~/.kube/config').expanduser()}, and"
    if settings.environments is None:
        raise MissingPartError(
            f"{missing} no environment repository is known where {environment}'s agent may have published",
            remedy="Set KUBECONFIG, or TOWPATH_ENVIRONMENTS to the Git URL of the environment repository.",
        )
    found = read_published(settings, environment)
    if found is None:
        raise MissingPartError(
            f"{missing} {environment}'s agent has published nothing",
            remedy="Set KUBECONFIG, or let the agent publish: it needs a signing key and the right to push"
            f" refs/towpath/{environment}/state.",
        )
    return Against(found)


def format_age(age: timedelta) -> str:
    """`40 s`, `3 m`, `5 h`, `2 d`."""
    seconds = int(age.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
