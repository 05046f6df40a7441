"""`towpath verify`: the chain of what runs in an environment, each step with who proves it."""

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import app_argument, context_option, environment_argument, output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.engine.gates.chain import Step

FAILED = 1


@click.command(name="verify")
@app_argument
@environment_argument
@context_option
@output_option
def command(app: str, environment: str, context: str | None, output: str) -> None:
    """Tell the whole chain of the release of APP in ENVIRONMENT: source, scan, promotion, approvals.

    Each step is `proven` by a key that this machine trusts (TOWPATH_TRUSTED_KEYS), `claimed` by somebody
    without proof, or `failed`. Of an app without images: its newest change, and whether the environment's
    agent has signed that it was verified as Git has it now. Whether each image has a bill of materials that
    the build agent signed is told, and fails nothing. What the cluster runs is compared too, where this
    machine reaches it. Exits 0 when no step has failed, else 1.

    \b
    Examples:
      towpath verify hello prod
      towpath verify hello prod --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.engine.gates.chain import Step, release_chain
    from towpath.engine.live.context import environment_context
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.engine.verify.running_step import running_step
    from towpath.engine.verify.sbom_steps import sbom_steps
    from towpath.errors import MissingPartError, TransientError
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if context is not None:
        settings = replace(settings, context=context)
    environments = load_environments(settings)
    trusted, tools = load_trusted_keys(settings.trusted_keys), settings.tools
    chain = release_chain(environments, trusted, app, environment, tools=tools, renders=settings.renders)
    steps = [*chain]
    state = environments.release(app, environment)
    images = state.release.images if state else ()
    if any(step.name == "evidence" and step.standing == "proven" for step in steps):
        steps += sbom_steps(trusted, environments.config.app(app), images)
    try:
        steps.append(running_step(environment_context(settings, environments, environment), app, images))
    except (MissingPartError, TransientError) as error:
        steps.append(Step("running", "unknown", "", f"the cluster is not asked: {error.message}"))
    if output == "json":
        content = {
            "app": app,
            "environment": environment,
            "commit": environments.commit,
            "release": state.release.id if state else None,
            "holds": not _failed(steps),
            "steps": [step.to_json() for step in steps],
        }
        click.echo(json.dumps(content, indent=2))
    else:
        click.echo("\n".join(_line(step) for step in steps))
    if _failed(steps):
        sys.exit(FAILED)


def _failed(steps: "list[Step]") -> bool:
    return any(step.standing == "failed" for step in steps)


def _line(step: "Step") -> str:
    by = f" by {step.by}" if step.by else ""
    return printable(f"{step.name:<13} {step.standing}{by}: {step.detail}")
