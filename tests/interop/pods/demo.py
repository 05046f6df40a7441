"""`make demo ARGS=--in-cluster`: the demo's story on an installation in a cluster of its own."""

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
import pytest

from tests.interop.pods import acts
from tests.interop.pods.cluster import PodsCluster, pods_cluster
from tests.interop.pods.images import images, kept
from tests.interop.pods.prepare import prepare
from tests.interop.pods.site import Site
from towpath.cli.demo import CHAPTERS, play
from towpath.progress import progress_on


@click.command()
@click.option("--in-cluster", is_flag=True, help="This program; left out, `towpath demo` plays.")
@click.option(
    "--keep/--no-keep",
    default=None,
    help="Wait for Enter before the cluster ends. Default: yes on a terminal, no elsewhere.",
)
@click.option(
    "--chapter", "chapters", multiple=True, type=click.Choice(CHAPTERS), help="Play only these chapters."
)
def command(in_cluster: bool, keep: bool | None, chapters: tuple[str, ...]) -> None:
    """Play the story on the chart's installation: servers, agents, door and BuildKit are pods."""
    prepare()
    try:
        with ExitStack() as held:
            site = _installed(held)
            play(lambda tell, line: acts.stage(site, tell, line), chapters or CHAPTERS)
            if sys.stdin.isatty() if keep is None else keep:
                _whats_next(site.cluster)
    except pytest.skip.Exception as lack:
        raise click.ClickException(str(lack)) from None


def _installed(held: ExitStack) -> Site:
    """An installation, which is there as long as `held` is open."""
    progress = progress_on()
    with progress.step("a Kubernetes with pods"):
        cluster = held.enter_context(pods_cluster(kept()))
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="towpath-demo-")))
    site = Site(cluster, images(progress), folder)
    site.prepare()
    with progress.step("towpath install"):
        acts.install(site)
    return site


def _whats_next(cluster: PodsCluster) -> None:
    kubectl = shutil.which("kubectl", path=cluster.environ["PATH"]) or "kubectl"
    program = " ".join(cluster.entering(kubectl, f"--kubeconfig={cluster.environ['KUBECONFIG']}"))
    click.echo(f"\nLook around:\n  {program} get pods --all-namespaces")
    click.prompt("\nEnter ends the cluster", default="", show_default=False, prompt_suffix=". ")


if __name__ == "__main__":
    command()
