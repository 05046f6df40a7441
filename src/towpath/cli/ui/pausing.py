"""What `pause` and `resume` share: one commit to the environment repository that changes its pauses."""

from collections.abc import Callable
from pathlib import Path

from towpath.adapters.git import commit_files
from towpath.cli.ui.names import Environments
from towpath.config import load_config
from towpath.engine.source.edits import version_to_write
from towpath.engine.source.repository import GIT_TIMEOUT
from towpath.gates.pause import Pause, dump_pauses, load_pauses, pause_marker, pause_path

Change = Callable[[tuple[Pause, ...]], tuple[Pause, ...]]


def commit_pauses(  # noqa: PLR0913
    environments: Environments, environment: str, change: Change, message: str, *, key: str, by: str
) -> str:
    """Push the pauses as `change` makes them of the newest ones; the commit that has them."""

    def edits(root: Path) -> dict[str, str | None]:
        path = pause_path(environment)
        version = version_to_write(root, load_config(root), path)
        return {path: dump_pauses(change(load_pauses(root, environment)), version)}

    settings = environments.settings
    return commit_files(
        settings.environments_url(),
        settings.branch,
        environments.checkout.commit,
        edits,
        message,
        author=by,
        cache=settings.cache,
        marker=pause_marker(environment, key),
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )


def named(environment: str, app: str | None) -> str:
    """`hello in prod`, or `prod`."""
    return f"{app} in {environment}" if app else environment
