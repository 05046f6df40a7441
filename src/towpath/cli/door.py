"""`towpath door`: the HTTP service at which CI systems and forges ask for deliveries."""

import json
import os
import sys
from pathlib import Path

import click

from towpath.cli.ui.options import output_option


@click.command(name="door")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("door.yaml"),
    help="Who may ask for what (door.yaml).",
)
@click.option("--check", is_flag=True, help="Say what is there and what is missing, and start nothing.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of door.yaml, and end.")
@output_option
def command(config: Path, *, check: bool, schema: bool, output: str) -> None:
    """Let CI systems and forges ask for deliveries, without a credential of the Prefect server.

    POST /deliver takes a request that is signed by HMAC or carries an OIDC token of GitHub, GitLab or
    another issuer; POST /hooks/github, /hooks/gitlab and /hooks/gitea take the forges' webhooks of pushes
    and tags. Each repository in door.yaml names its apps, branches and tags, and who may ask. The answer has
    the address of the run; GET /deliveries/ID tells how far it is. A commit is delivered once, however often
    it is asked for. Runs until it is told to stop; --check exits with 1 if something is missing.

    \b
    Examples:
      towpath door --config /etc/towpath/door.yaml
      towpath door --config door.yaml --check
      towpath door --schema > door.schema.json
      deployments/ci/deliver.sh https://door.example.com
    """
    from towpath.config.machine_file import load_machine_file, machine_file_schema
    from towpath.door.door_file import DOOR_FILE, DoorFile
    from towpath.orchestration.server import prepare
    from towpath.settings import Settings

    if schema:
        click.echo(json.dumps(machine_file_schema(DoorFile, DOOR_FILE), indent=2))
        return
    file = load_machine_file(config, DoorFile)
    for name, value in file.prefect.environ().items():
        os.environ.setdefault(name, value)
    settings = Settings.load(os.environ)
    if check:
        from towpath.cli.views.findings import show_findings
        from towpath.door.checkup import check_up

        sys.exit(show_findings(check_up(file, settings), output))
    from towpath.door.serve import serve

    serve(file, prepare(settings))
