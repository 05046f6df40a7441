"""`towpath trace`: from a live object to its app, commit, release and approvals."""

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.values import complete_kind, complete_namespace
from towpath.cli.ui.options import context_option, environment_option, output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.engine.operate.trace import Trace

NOBODYS = 1


@click.command(name="trace")
@click.argument("name", metavar="KIND/NAME", shell_complete=complete_kind)
@environment_option
@click.option(
    "-n",
    "--namespace",
    shell_complete=complete_namespace,
    help="In this namespace.  [default: those of the environments]",
)
@context_option
@output_option
def command(
    name: str, environment: str | None, namespace: str | None, context: str | None, output: str
) -> None:
    """Tell whose the live object KIND/NAME is: its controllers, its app, where Git has it, who let it in.

    A kind is written as for kubectl: pod, pods, po, deployment.apps. Who promoted and approved its release
    is told with what proves it, as `towpath verify` does. Exits 1 when there is no such object, or one that
    belongs to no app.

    \b
    Examples:
      towpath trace pod/hello-6d5f7-x2x4v
      towpath trace deployment/hello --environment prod
      towpath trace configmap/settings --namespace shop --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.find_object import find_objects
    from towpath.engine.operate.trace import trace
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.errors import MissingPartError, TowpathError, UnknownNameError

    kind, slash, object_name = name.partition("/")
    if not (kind and slash and object_name):
        raise click.BadParameter("must be KIND/NAME, as in deployment/hello", param_hint="KIND/NAME")
    settings = load_settings(context)
    desired = load_environments(settings)
    config = desired.config
    chosen = [config.environment(environment)] if environment else list(config.environments)
    contexts = {each.name: environment_context(settings, desired, each.name) for each in chosen}
    for other in {each.name for each in config.environments} - contexts.keys():
        with suppress(TowpathError):  # an object of that environment may be found in the chosen one's cluster
            contexts[other] = environment_context(settings, desired, other)
    first = contexts[chosen[0].name]
    try:
        trusted = load_trusted_keys(settings.trusted_keys)
    except MissingPartError:
        trusted = None
    namespaces = [namespace] if namespace else [name for each in chosen for name in each.managed_namespaces]
    found = find_objects(first.cluster, kind, object_name, namespaces)
    if not found:
        raise UnknownNameError("object", name, where=f"namespace {', '.join(dict.fromkeys(namespaces))}")
    traces = [trace(contexts, first, live, trusted) for live in found]
    if output == "json":
        data = {"name": name, "commit": desired.commit, "traces": [each.to_json() for each in traces]}
        click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
    else:
        click.echo(printable("\n\n".join(map(text, traces))))
    if all(each.standing == "none" for each in traces):
        sys.exit(NOBODYS)


def text(each: "Trace") -> str:
    """A line for each step back."""
    lines = [str(each.ref)]
    if each.owners:
        lines.append(f"  controlled by  {', by '.join(f'{ref.kind} {ref.name}' for ref in each.owners)}")
    if each.standing == "none":
        lines.append("  app            none: Towpath has not applied it")
        lines.append(f"  written by     {', '.join(each.managers) or 'nobody that the API server recorded'}")
    else:
        how = "its inventory names it" if each.standing == "inventory" else "by its labels alone"
        lines.append(f"  app            {each.app} in {each.environment} ({how})")
        if each.file:
            lines.append(f"  in Git         {each.file}:{each.line}")
        if each.applied_commit:
            lines.append(f"  applied        at commit {each.applied_commit[:7]}")
    if state := each.state:
        release = state.release
        lines.append(f"  release        {release.short_id} {release.subject} ({release.author})")
        approved = f", approved by {', '.join(state.approved_by)}" if state.approved_by else ""
        lines.append(f"  promoted       {state.promoted_at} by {state.promoted_by}{approved}")
        lines.append(f"  verified       {state.verified_at or 'not yet'}")
    for step in each.steps:
        by = f" by {step.by}" if step.by else ""
        lines.append(f"  proof          {step.name} {step.standing}{by}: {step.detail}")
    lines += [f"  note           {note}" for note in each.notes]
    return "\n".join(lines)
