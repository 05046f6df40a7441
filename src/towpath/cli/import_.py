"""`towpath import`: makes an environment repository of what another tool deploys, or of what is live."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import context_option, output_option
from towpath.printable import pluralize, printable

if TYPE_CHECKING:
    from towpath.engine.imports.assemble import Imported


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the repository with the definitions of Argo CD or Flux.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    help="URL by which the definitions name that repository; the clone's `origin` if left out.",
)
@click.option("--namespace", help="Read this namespace of the cluster in place of files.")
@click.option("--helm-release", help="With --namespace: read this Helm release in place of the objects.")
@context_option
@click.option("--check", is_flag=True, help="Write nothing; say what would be made, and what not.")
@output_option
def command(  # noqa: PLR0913, PLR0917
    folder: Path,
    source: Path | None,
    urls: tuple[str, ...],
    namespace: str | None,
    helm_release: str | None,
    context: str | None,
    check: bool,
    output: str,
) -> None:
    """Make an environment repository in FOLDER of what another tool deploys, or of what is live.

    --from reads Applications and ApplicationSets (list, git, cluster, matrix and merge generators),
    Kustomizations and HelmReleases in the files of a folder, and asks no cluster. Writes towpath.yaml, an
    overlay or values for each app and environment, and vendor.yaml for charts and bases from elsewhere.

    --namespace reads a namespace of the cluster: what people own there becomes one app of plain manifests.
    Secrets are never written: they stay as they are. With --helm-release it is the chart and the values of a
    Helm release, as Helm keeps them there.

    What has no counterpart is listed, with file and line or the object. Overwrites nothing, and changes
    nothing in the other repository or the cluster. An environment is a namespace of a cluster. Objects are
    taken over from the tool that applied them: `takeOver` in towpath.yaml. Stop that tool before the first
    sync.

    \b
    Examples:
      towpath import --from ../argocd-apps --check
      towpath import environments --from ../flux-fleet
      towpath import environments --from ../apps --url https://git.example.com/team/apps.git
      towpath import environments --namespace shop --context production
      towpath import environments --namespace shop --helm-release podinfo
    """
    from towpath.engine.imports.write import write_new

    imported = _read(source, urls, namespace, helm_release, context)
    written = bool(imported.apps) and not check
    if written:
        write_new(folder, imported.files)
    _show(imported, folder, written=written, output=output)
    if not imported.apps:
        sys.exit(1)


def _read(
    source: Path | None,
    urls: tuple[str, ...],
    namespace: str | None,
    release: str | None,
    context: str | None,
) -> "Imported":
    if (source is None) == (namespace is None):
        raise click.UsageError("give --from FOLDER or --namespace NAME, one of both.")
    if source is None:
        if urls:
            raise click.UsageError("--url is for --from.")
        return _of_cluster(namespace or "", release, context)
    if context is not None or release is not None:
        raise click.UsageError("--context and --helm-release are for --namespace: --from asks no cluster.")
    return _of_files(source.resolve(), urls)


def _of_files(source: Path, urls: tuple[str, ...]) -> "Imported":
    from towpath.adapters.git.work_tree import origin_url
    from towpath.engine.imports.assemble import assemble
    from towpath.engine.imports.collect import collect

    deployments, notes = collect(source, urls or tuple(filter(None, (origin_url(source),))))
    return assemble(source, deployments, notes)


def _of_cluster(namespace: str, release: str | None, context: str | None) -> "Imported":
    from towpath.adapters.kubernetes import connect
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.imports.namespace import import_namespace
    from towpath.engine.imports.release import import_release

    where = load_settings(context).connection
    cluster = connect(where.kubeconfig, where.context, allow_exec=where.allow_exec)
    if release is not None:
        return import_release(cluster, namespace, release)
    return import_namespace(cluster, namespace)


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
