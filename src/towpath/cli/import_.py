"""`towpath import`: makes an environment repository of what Argo CD or Flux deploys from another one."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import output_option
from towpath.printable import pluralize, printable

if TYPE_CHECKING:
    from towpath.engine.imports.assemble import Imported


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--from",
    "source",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the repository with the definitions of Argo CD or Flux.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    help="URL by which the definitions name that repository; the clone's `origin` if left out.",
)
@click.option("--check", is_flag=True, help="Write nothing; say what would be made, and what not.")
@output_option
def command(folder: Path, source: Path, urls: tuple[str, ...], check: bool, output: str) -> None:
    """Make an environment repository in FOLDER of what Argo CD or Flux deploys from another repository.

    Reads Applications and ApplicationSets (list and git generators), Kustomizations and HelmReleases in the
    files below --from, asks no cluster, and changes nothing there. Writes towpath.yaml, an overlay or values
    for each app and environment, and vendor.yaml for charts and bases from elsewhere. What has no counterpart
    is listed with file and line. Overwrites nothing.

    An environment is a namespace of a cluster. Objects are taken over from the tool that applied them:
    `takeOver` in towpath.yaml. Stop that tool before the first sync.

    \b
    Examples:
      towpath import --from ../argocd-apps --check
      towpath import environments --from ../flux-fleet
      towpath import environments --from ../apps --url https://git.example.com/team/apps.git
    """
    from towpath.adapters.git.work_tree import origin_url
    from towpath.engine.imports.assemble import assemble
    from towpath.engine.imports.collect import collect
    from towpath.engine.imports.write import write_new

    urls = urls or tuple(filter(None, (origin_url(source),)))
    deployments, notes = collect(source.resolve(), urls)
    imported = assemble(source.resolve(), deployments, notes)
    if imported.apps and not check:
        write_new(folder, imported.files)
    _show(imported, folder, written=bool(imported.apps) and not check, output=output)
    if not imported.apps:
        sys.exit(1)


def _show(imported: "Imported", folder: Path, *, written: bool, output: str) -> None:
    from towpath.redact import redact

    if output == "json":
        notes = [{"file": each.file, "line": each.line, "message": each.message} for each in imported.notes]
        result = {
            "apps": imported.apps,
            "environments": imported.environments,
            "vendored": imported.vendored,
            "files": sorted(imported.files),
            "notes": notes,
            "written": written,
        }
        click.echo(redact(json.dumps(result, indent=2)))
        return
    for note in imported.notes:
        click.echo(printable(redact(f"not carried over: {note}")))
    apps, environments = len(imported.apps), len(imported.environments)
    if not imported.apps:
        click.echo("No app was found that can be imported; nothing was written.", err=True)
        return
    what = f"{pluralize(apps, 'app')} in {pluralize(environments, 'environment')}"
    click.echo(
        f"{what}, {pluralize(len(imported.notes), 'note')}." + ("" if written else " Nothing was written.")
    )
    if written:
        click.echo(f"\n{pluralize(len(imported.files), 'file')} in {folder}. Next:")
        if imported.vendored:
            click.echo(f"  towpath vendor --repo {folder}")
        click.echo(f"  towpath check --repo {folder}")
        click.echo(
            f"  towpath diff --repo {folder}      # on the cluster: nothing that is live should change"
        )
