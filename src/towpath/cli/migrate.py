"""`towpath migrate`: rewrites the files of an environment repository to the newest version, in one commit."""

import json
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import output_option
from towpath.printable import pluralize, printable

if TYPE_CHECKING:
    from towpath.engine.source.migrate import Migration
    from towpath.settings import Settings

ATTEMPTS = 5
"""Others may change a file between the look at it and the commit; then it is looked at again."""


@click.command(name="migrate")
@click.option(
    "--repo",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an environment repository: its files are rewritten, and a person commits them.",
)
@click.option(
    "--check", is_flag=True, help="Change nothing, show the diff; exit 1 when a file is to rewrite."
)
@output_option
def command(repo: Path | None, check: bool, output: str) -> None:
    """Rewrite an environment repository to the newest version of its files.

    Rewrites towpath.yaml, each release.yaml, and the files of quarantines, pauses and confirmed deletions in
    one commit to the environment repository; with --repo in a folder, uncommitted. towpath.yaml keeps its
    comments and formatting. What is of the newest version already stays as it is.

    Upgrade all agents first: one that does not know the new version changes nothing until it is upgraded.

    \b
    Examples:
      towpath migrate --check
      towpath migrate
      towpath migrate --repo . && git commit --all --message "Migrate the files"
    """
    from towpath.engine.source.migrate import migrations, write_all
    from towpath.settings import Settings

    settings, commit = Settings.load(os.environ), ""
    if repo is not None:
        changes = migrations(repo)
        if not check:
            write_all(repo, changes)
    elif check:
        changes = migrations(_checkout(settings))
    else:
        changes, commit = _commit(settings)
    _show(changes, commit, check=check, committed=repo is None, output=output)
    if check and changes:
        sys.exit(1)


def _checkout(settings: "Settings") -> Path:
    from towpath.cli.ui.names import load_environments

    return load_environments(settings).root


def _commit(settings: "Settings") -> "tuple[tuple[Migration, ...], str]":
    """Push one commit; what it rewrote, and its id. ConflictError when others change files all the time."""
    from towpath.adapters.git import commit_files
    from towpath.cli.ui.names import load_environments
    from towpath.engine.source.migrate import migration_edits, migrations
    from towpath.errors import ConflictError
    from towpath.orchestration.server import whoami
    from towpath.release.commit_message import migrate_marker, migrate_message
    from towpath.settings import GIT_TIMEOUT

    key = uuid.uuid4().hex
    for attempt in range(1, ATTEMPTS + 1):
        environments = load_environments(settings)
        if not (changes := migrations(environments.root)):
            return (), ""
        try:
            commit = commit_files(
                settings.environments_url(),
                settings.branch,
                environments.commit,
                migration_edits,
                migrate_message(key),
                author=whoami(),
                cache=settings.cache,
                marker=migrate_marker(key),
                allow_file=settings.git_allow_file,
                timeout=GIT_TIMEOUT,
            )
        except ConflictError:
            if attempt == ATTEMPTS:
                raise
            continue
        return changes, commit
    raise AssertionError("unreachable")


def _show(
    changes: "tuple[Migration, ...]", commit: str, *, check: bool, committed: bool, output: str
) -> None:
    from towpath.formats.versions import LATEST
    from towpath.redact import redact, redact_known

    if output == "json":
        files = [
            {"path": each.path, "from": each.version, "to": LATEST, "diff": redact(each.diff())}
            for each in changes
        ]
        result = {"version": LATEST, "files": files, "commit": commit, "written": bool(changes) and not check}
        click.echo(redact_known(json.dumps(result, indent=2)))
        return
    if not changes:
        click.echo(f"All files are of {LATEST}: nothing to migrate.")
        return
    for each in changes:
        if check:
            click.echo(printable(redact_known(redact(each.diff()))), nl=False)
        else:
            click.echo(printable(f"{each.path}: {each.version} -> {LATEST}"))
    number = pluralize(len(changes), "file")
    if check:
        click.echo(f"{number} to migrate to {LATEST}", err=True)
    elif committed:
        click.echo(f"{number} rewritten (commit {commit[:7]}).")
    else:
        click.echo(f"{number} rewritten. Make it one commit: agents read the files at one commit.")
