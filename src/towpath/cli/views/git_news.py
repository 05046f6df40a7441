"""What Git has of an app that the last reconcile has not seen: only what `towpath status` needs of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from towpath.drift.decision import BROKEN, IN_SYNC, SYNCED
from towpath.engine.source.news import as_in, newest_commit, unseen_commit
from towpath.errors import MissingPartError, TowpathError, TransientError

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.config import Environment

Row = Mapping[str, Any]
"""An app in the environment's table at the server; empty where it is not there."""


def unseen(environments: "Environments", app: str, environment: str, row: Row, *, seen: bool) -> str:
    """The commit that no reconcile has seen; empty where the last one saw what Git has."""
    place = (environments, app, environment)
    marks = str(row.get("sources", "")), str(row.get("beside", ""))
    commit = unseen_commit(*place, *marks) if seen else newest_commit(*place)
    return f"{commit.sha[:7]} {commit.subject}" if commit else ""


def render_error(  # noqa: PLR0913
    environments: "Environments",
    environment: "Environment",
    app: str,
    row: Row,
    newer: str,
    *,
    there: bool,
) -> str:
    """Why it does not render. Rendered here only where the table may not be true any more."""
    broken = row.get("drift") == BROKEN
    if not there:
        return str(row.get("detail", "")) if broken and not newer else ""
    if not broken and not newer:
        return ""
    # With what renders, 2 MB, which most environments do without.
    from towpath.engine.source.render_changed import render_released

    settings = environments.settings
    try:
        render_released(environments, environment, app, tools=settings.tools, cache=settings.renders)
    except (MissingPartError, TransientError):
        return str(row.get("detail", "")) if broken and not newer else ""  # this machine cannot tell
    except TowpathError as error:
        return error.message
    return ""


def newest_change(environments: "Environments", app: str, environment: str, row: Row) -> dict[str, str]:
    """The newest change of an app without images, and what is verified of it; nothing where it is not.

    Where a folder beside the app's has changed since, a reconcile that found all well says that it holds.
    """
    if environments.config.app(app).is_released or app not in environments.released_apps(environment):
        return {}
    from towpath.engine.source.verified_changes import verified_now

    commit = newest_commit(environments, app, environment)
    verified, beside = verified_now(environments, app, environment), str(row.get("beside", ""))
    well = is_well(str(row.get("health")), str(row.get("drift"))) and not unseen_commit(
        environments, app, environment, "", beside
    )
    if verified and not well and not as_in(environments, beside, verified.commit):
        verified = None
    return {
        "manifests": verified.manifests if verified else "",
        "commit": commit.sha if commit else "",
        "subject": commit.subject if commit else "",
        "promoted_at": commit.committed_at if commit else "",
        "promoted_by": commit.author if commit else "",
        "verified_at": verified.verified_at if verified else "",
    }


def is_well(health: str, drift: str) -> bool:
    """Whether these words of a table say that an app is as Git wants it, and healthy."""
    return health in ("Healthy", "Suspended") and (drift == IN_SYNC or drift.startswith(f"{SYNCED}, "))
