"""`towpath health`: one verdict per object, of built-in kinds and of any operator, without a cluster."""

import json
import sys
from pathlib import Path

import click

from towpath.cli.ui.options import output_option


@click.command(name="health")
@click.option(
    "-f",
    "--file",
    "source",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False, exists=True),
    help="YAML, JSON or JSON lines of live objects; `-`: standard input.",
)
@click.option(
    "--repo",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Environment repository whose `healthCheckExprs` hold too.",
)
@output_option
def command(source: Path, repo: Path | None, output: str) -> None:
    """Judge live objects in a file: Healthy, Progressing, Degraded, Suspended, Missing or Unknown.

    One verdict per object, in the order of the input. What cannot be judged is Unknown, with the reason; so
    is a file that cannot be read as YAML or JSON, or a document of it. Exits 0 whatever the verdicts are.

    \b
    Examples:
      kubectl get all,certificates,kafkas -o yaml | towpath health -f -
      towpath health -f objects.yaml --output json
    """
    from towpath.health.assess import Judges
    from towpath.health.report import assess_text
    from towpath.printable import printable

    own: Judges = {}
    if repo:
        from towpath.config import load_config
        from towpath.health.expressions import judges_of

        own = judges_of(load_config(repo).health_check_exprs)
    name = "<stdin>" if str(source) == "-" else str(source)
    data = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    verdicts = assess_text(data.decode("utf-8", errors="replace"), name, own)
    if output == "json":
        # One line each, so that the list can also be read by eye, grep and diff.
        lines = [json.dumps(each.to_json(), ensure_ascii=False) for each in verdicts]
        lines = [line if printable(line) == line else json.dumps(json.loads(line)) for line in lines]
        click.echo("[\n" + ",\n".join(lines) + "\n]" if lines else "[]")
        return
    for each in verdicts:
        line = f"{each.health.status:<11} {each.ref}  {each.health.message}"
        click.echo(printable(line).replace("\n", " "))
