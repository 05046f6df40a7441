"""`towpath deployments`: the prefect.yaml for the environments of a towpath.yaml."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from towpath.config import Config


@click.command(name="deployments")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the environment repository; the current one if left out.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("prefect.yaml"),
    show_default=True,
    help="The file to write or check; it lies beside flows/.",
)
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when the file does not fit.")
@click.option(
    "--move",
    is_flag=True,
    help="Make runs anew that wait in work pools of the former type; write no file.",
)
@click.option("--force", is_flag=True, help="Replace a file that Git has, or that was changed by hand.")
def command(repo: Path, file: Path, *, check: bool, move: bool, force: bool) -> None:
    """Write the prefect.yaml of an environment repository, or check it.

    The flows are Towpath's own, in its folders flows/ and tasks/: call this, and `prefect deploy`, in a clone
    of Towpath. The agents run the flows that are installed with them.

    `deliver` runs in the work pool `towpath-build`; `promote`, `reconcile` and `rollback` run in the pool of
    their environment. Schedules and deployments of your own pass the check. A file that Git has, or that was
    changed by hand, is replaced only when you say so: on the terminal, or by --force.

    \b
    Examples:
      towpath deployments --repo ../environments --force && prefect --no-prompt deploy --all
      towpath deployments --repo examples/environments --check
      towpath deployments --move               after an upgrade, before the former pools are deleted
    """
    from towpath.config import load_config
    from towpath.errors import ConfigError
    from towpath.files import read_text

    if move:
        _move()
        return
    if not repo.is_dir():
        raise ConfigError("there is no such folder", file=str(repo))
    config = load_config(repo)
    before = read_text(file.parent, file.name)
    if check:
        _check(file, before, config)
    else:
        _write(file, before, config, force=force)


def _move() -> None:
    """Make waiting runs anew, and say which pools can be deleted."""
    import os

    from towpath.orchestration.api import PrefectApi
    from towpath.orchestration.old_pools import former_pools, move_waiting_runs
    from towpath.orchestration.server import prepare
    from towpath.settings import Settings

    api = PrefectApi(prepare(Settings.load(os.environ), knock=True))
    for line in move_waiting_runs(api):
        click.echo(line)
    pools = former_pools(api)
    for pool in pools:
        click.echo(f"Nothing waits in pool {pool} any more: `prefect work-pool delete {pool}`.")
    if not pools:
        click.echo("There are no work pools of the former type.")


def _check(file: Path, before: str | None, config: "Config") -> None:
    """ConfigError when the file is not there, or does not fit the environments."""
    from towpath.errors import ConfigError
    from towpath.scaffold.prefect_yaml import prefect_yaml_problems

    if before is None:
        remedy = "`towpath deployments` writes it."
        raise ConfigError("there is no such file", file=str(file), remedy=remedy)
    if problems := prefect_yaml_problems(before, config, str(file)):
        remedy = "`towpath deployments` writes it anew; then deploy it."
        raise ConfigError("\n".join(problems), file=str(file), remedy=remedy)
    click.echo(f"{file} fits {len(config.environments)} environments.")


def _write(file: Path, before: str | None, config: "Config", *, force: bool) -> None:
    """Write the file; one that is somebody's only with `force`, or when he says so on the terminal."""
    from towpath.errors import RefusedError
    from towpath.scaffold.prefect_yaml import build_prefect_yaml, dump_prefect_yaml

    after = dump_prefect_yaml(build_prefect_yaml(config))
    if before == after:
        click.echo(f"{file} is up to date.")
        return
    why = "" if before is None or force else _kept(file, before)
    if why and not (sys.stdin.isatty() and click.confirm(f"{file} {why}. Replace it?")):
        raise RefusedError(
            f"{file} {why}",
            remedy="Nothing was written. --force replaces it, --check compares, --file names another one.",
        )
    file.write_text(after)
    if (file.parent / "flows").is_dir():
        click.echo(f"Wrote {file}. `prefect --no-prompt deploy --all` creates its deployments.")
    else:
        click.echo(f"Wrote {file}, but there is no flows/ beside it, which its deployments run.")
        click.echo("Call this in a clone of Towpath, or copy flows/ and tasks/ from one.")


def _kept(file: Path, text: str) -> str:
    """Why a file that is there is not replaced unasked; empty: nothing of anybody's is lost."""
    from towpath.adapters.git import is_tracked
    from towpath.scaffold.prefect_yaml import HEADER, is_as_written

    if not text.startswith(HEADER):
        return "was not written by `towpath deployments`"
    if not is_as_written(text):
        return "was changed since `towpath deployments` wrote it"
    return "is in Git, and would be another one" if is_tracked(file) else ""
