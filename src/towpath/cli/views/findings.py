"""Prints what a `--check` found."""

import json
from collections.abc import Iterable

import click

from towpath.findings import Finding


def show_findings(findings: Iterable[Finding], output: str) -> int:
    """Print what is there and what is missing, each as soon as it is known; 1 when something is missing."""
    shown = []
    for finding in findings:
        shown.append(finding)
        if output == "text":
            sign = click.style("✗", fg="red") if finding.problem else click.style("✓", fg="green")
            click.echo(f"{sign} {finding.part}: {finding.problem or finding.detail}")
            if finding.remedy:
                click.echo(f"  {finding.remedy}")
    if output == "json":
        click.echo(json.dumps([finding.to_json() for finding in shown], indent=2))
    return int(any(finding.problem for finding in shown))
