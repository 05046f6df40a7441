"""Carries out a `prefect.yaml` by Prefect's own command."""

from collections.abc import Mapping
from pathlib import Path

from towpath.adapters.process import CommandError, run
from towpath.errors import TerminalError

TIMEOUT = 300.0


def deploy_all(folder: Path, environment: Mapping[str, str], *, python: str) -> None:
    """`prefect deploy --all` in a folder with `prefect.yaml` and `flows/`. `environment` names the server."""
    command = [python, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    try:
        run(command, cwd=folder, env=environment, timeout=TIMEOUT)
    except CommandError as error:
        raise TerminalError(f"the deployments of prefect.yaml cannot be made: {error}") from error
