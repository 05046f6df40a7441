"""`towpath vendor`: charts and bases from elsewhere, fetched into the environment repository and locked."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.completion.values import complete_vendored
from towpath.cli.ui.options import output_option
from towpath.printable import pluralize, printable

if TYPE_CHECKING:
    from towpath.engine.vendor.outlook import Outlook
    from towpath.engine.vendor.plan import VendorPlan
    from towpath.engine.vendor.resolve import Resolver
    from towpath.settings import Settings

FAILED, NEWER, DIFFERENT = 1, 3, 4


@click.command(name="vendor")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_vendored)
@click.option(
    "--repo",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an environment repository: its files are written, and a person commits them.",
)
@click.option(
    "--check", is_flag=True, help="Change nothing; say what is newer, and what was changed by hand."
)
@click.option("--update", is_flag=True, help="Take the newest versions that vendor.yaml allows.")
@click.option("--overwrite", is_flag=True, help="Replace folders also when they were changed by hand.")
@output_option
def command(  # noqa: PLR0913, PLR0917
    names: tuple[str, ...], repo: Path | None, check: bool, update: bool, overwrite: bool, output: str
) -> None:
    """Fetch charts and bases that vendor.yaml names into the environment repository.

    Fetches what is not there yet or is declared differently, in the version of vendor.lock.yaml where it has
    one; with --update in the newest version that vendor.yaml allows. All of it becomes one commit on the
    branch towpath/vendor, for people to review and merge; with --repo the folder is written, uncommitted. An
    archive that is not as the lock has it is refused. Rendering never fetches anything.

    \b
    --check exits with
      0  all is as it was vendored, and nothing is newer
      1  an error, such as other content elsewhere under the same version
      3  something is newer
      4  a folder was changed by hand, or is not as vendor.yaml says

    \b
    Examples:
      towpath vendor
      towpath vendor --check
      towpath vendor --update podinfo
      towpath vendor --repo . && git add --all && git commit --message "Vendor podinfo"
    """
    from towpath.engine.vendor.resolve import Resolver
    from towpath.settings import Settings

    if check and (update or overwrite):
        raise click.UsageError("--check changes nothing: leave out --update and --overwrite.")
    settings = Settings.load(os.environ)
    resolver = Resolver.of(settings)
    if check:
        _check(repo, names, resolver, settings, output)
        return
    from towpath.engine.vendor.plan import make_plan
    from towpath.engine.vendor.write import BRANCH, propose, write_folder

    root, base = _root(repo, settings)
    plan = make_plan(root, names, resolver, update=update, overwrite=overwrite)
    commit, branch, is_new = "", "", False
    if plan.is_change and repo is not None:
        write_folder(root, plan)
    elif plan.is_change:
        from towpath.orchestration.server import whoami

        commit, is_new = propose(settings, root, base, plan, whoami())
        branch = BRANCH
    _show(plan, commit, branch, is_new=is_new, output=output)


def _root(repo: Path | None, settings: "Settings") -> tuple[Path, str]:
    """The files that are looked at, and the commit that has them; empty for a folder."""
    if repo is not None:
        return repo.resolve(), ""
    from towpath.cli.ui.names import load_environments

    environments = load_environments(settings)
    return environments.root, environments.commit


def _check(
    repo: Path | None, names: Sequence[str], resolver: "Resolver", settings: "Settings", output: str
) -> None:
    from towpath.engine.vendor.outlook import outlooks

    found = [*outlooks(_root(repo, settings)[0], names, resolver)]
    if output == "json":
        _print_json({"entries": [_outlook_json(each) for each in found]})
    else:
        for each in found:
            _print(_outlook_line(each))
            if each.refused and each.refused.remedy:
                _print(f"  {each.refused.remedy}")
        if not found:
            click.echo("vendor.yaml names nothing.")
    if any(each.refused for each in found):
        sys.exit(FAILED)
    if any(each.different for each in found):
        sys.exit(DIFFERENT)
    if any(each.is_outdated for each in found):
        sys.exit(NEWER)


def _outlook_line(each: "Outlook") -> str:
    from towpath.engine.vendor.plan import name_files

    said = [each.locked.shown] if each.locked else []
    if each.different:
        said.append(f"{each.different} ({name_files(each.files)})" if each.files else each.different)
    if each.newer:
        said.append(f"{each.newer} is newer")
    if each.latest:
        said.append(f"{each.latest} is newer than what vendor.yaml allows")
    if each.refused:
        said.append(f"error: {each.refused.message.removeprefix(f'{each.entry.name} ')}")
    return f"{each.entry.name}: {'; '.join(said)}"


def _outlook_json(each: "Outlook") -> dict[str, Any]:
    return {
        "name": each.entry.name,
        "path": each.entry.path,
        "version": each.locked.version if each.locked else None,
        "commit": (each.locked.commit if each.locked else "") or None,
        "newer": each.newer or None,
        "latest": each.latest or None,
        "different": each.different or None,
        "files": list(each.files),
        "error": each.refused.message if each.refused else None,
    }


def _show(plan: "VendorPlan", commit: str, branch: str, *, is_new: bool, output: str) -> None:
    changed = [each for each in plan.changes if each.is_change]
    if output == "json":
        entries = [
            {
                "name": each.after.name,
                "path": each.after.path,
                "before": each.before.version if each.before else None,
                "version": each.after.version,
                "commit": each.after.commit or None,
                "archive": each.after.archive or None,
                "tree": each.after.tree,
                "changed": each.is_change,
            }
            for each in plan.changes
        ]
        _print_json(
            {
                "entries": entries,
                "notes": list(plan.notes),
                "written": plan.is_change,
                "commit": commit or None,
                "branch": branch or None,
            }
        )
        return
    for each in changed:
        before = f"{each.before.shown} -> " if each.before and each.before.shown != each.after.shown else ""
        _print(f"{each.after.path}: {each.after.name} {before}{each.after.shown}")
        for inner in each.after.dependencies:
            _print(f"  {inner.path}: {inner.version} of {inner.source}")
    for note in plan.notes:
        _print(f"note: {note}")
    number = pluralize(len(changed), "change")
    if not plan.is_change:
        click.echo("Everything is as vendor.yaml and vendor.lock.yaml say: nothing to vendor.")
    elif branch:
        what = "proposed on" if is_new else "already proposed on"
        click.echo(f"{number} {what} branch {branch} (commit {commit[:7]}). Review and merge it.")
    else:
        click.echo(f"{number} written. Make it one commit with vendor.lock.yaml.")


def _print(text: str) -> None:
    from towpath.redact import redact_known

    click.echo(printable(redact_known(text)))


def _print_json(data: Any) -> None:
    from towpath.redact import redact_known

    click.echo(redact_known(json.dumps(data, indent=2)))
