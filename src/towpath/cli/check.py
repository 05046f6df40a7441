"""`towpath check`: everything that can be judged without a cluster, in one run."""

import json
import os
import sys
from pathlib import Path

import click

from towpath.formats.versions import CONFIG, RELEASE, VENDOR


@click.command(name="check")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the environment repository; the current one if left out.",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How to print findings.")
@click.option(
    "--kubernetes",
    metavar="VERSION",
    help="Judge objects by the schemas of this version, such as 1.35; if left out, by the version that each"
    " environment names in towpath.yaml, else the newest known one.",
)
@click.option(
    "--schema",
    type=click.Choice([CONFIG, RELEASE, VENDOR]),
    is_flag=False,
    flag_value=CONFIG,
    help="Print the JSON Schema of a file, of towpath.yaml if none is named, and end.",
)
def command(repo: Path, output: str, kubernetes: str | None, schema: str | None) -> None:
    """Check an environment repository without a cluster.

    Reads towpath.yaml, renders every app for every environment and judges every object, also by the schemas
    of a Kubernetes version and of the CustomResourceDefinitions in the repository. Prints each finding with
    file and line; exits 1 when there is one. Where this machine knows who owns the policy, what is looser
    than they have signed is a finding.

    \b
    Examples:
      towpath check
      towpath check --repo environments/ --output json
      towpath check --kubernetes 1.35
      towpath check --schema > towpath.schema.json
      towpath check --schema release.yaml > release.schema.json
      towpath check --schema vendor.yaml > vendor.schema.json
    """
    if schema:
        from towpath.config import config_schema
        from towpath.release.release_file import release_schema
        from towpath.vendor.model import vendor_schema

        schemas = {CONFIG: config_schema, RELEASE: release_schema, VENDOR: vendor_schema}
        click.echo(json.dumps(schemas[schema](), indent=2))
        return
    from towpath.engine.check.repository import check_repository
    from towpath.errors import ConfigError
    from towpath.printable import pluralize, printable
    from towpath.redact import redact_known
    from towpath.settings import Settings

    try:
        is_folder = repo.is_dir()
    except OSError as error:  # a name too long, a folder that may not be looked into
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(repo)) from error
    if not is_folder:
        raise ConfigError("there is no such folder", file=str(repo))
    settings = Settings.load(os.environ)
    checked = check_repository(
        repo,
        tools=settings.tools,
        cache=settings.renders,
        kubernetes=kubernetes,
        trusted_keys=settings.trusted_keys,
    )
    if output == "json":
        findings = [finding.to_json() for finding in checked.findings]
        result = {"findings": findings, "notes": list(checked.notes), "objects": checked.objects}
        click.echo(redact_known(json.dumps(result, indent=2)))
    else:
        for finding in checked.findings:
            click.echo(printable(redact_known(str(finding))))
        for note in checked.notes:
            click.echo(redact_known(f"note: {note}"))
        numbers = {"app": checked.apps, "environment": checked.environments, "object": checked.objects}
        what = ", ".join(pluralize(number, thing) for thing, number in numbers.items())
        number = len(checked.findings)
        said = pluralize(number, "finding") if number else "no findings"
        click.echo(f"{said} ({what})", err=bool(number))
    if checked.findings:
        sys.exit(1)
