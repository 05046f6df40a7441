"""`towpath logs`: what the pods of an app write."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.ui.durations import duration
from towpath.cli.ui.options import app_argument, context_option, optional_environment_argument, output_option

if TYPE_CHECKING:
    from towpath.adapters.kubernetes import LogQuery
    from towpath.engine.live.context import EnvironmentContext
    from towpath.engine.operate.app_objects import AppObjects
    from towpath.engine.operate.pod_logs import Choice, LogLine, LogSource

TAIL = 10
"""Lines of each log where there are several, as with `kubectl logs --selector`."""


@click.command(name="logs")
@app_argument
@optional_environment_argument
@click.option("-f", "--follow", is_flag=True, help="Go on telling, also of pods that come later.")
@click.option("--since", callback=duration, metavar="DURATION", help="Only what is newer: 90s, 5m, 2h.")
@click.option(
    "--tail", type=click.IntRange(0), metavar="LINES",
    help=f"Last lines of each log.  [default: all of one log, {TAIL} of several; all with --since]",
)  # fmt: skip
@click.option("-c", "--container", help="Of this container.  [default: the pod's default or first one]")
@click.option("--all-containers", is_flag=True, help="Of every container of each pod.")
@click.option("-p", "--previous", is_flag=True, help="Of the containers before their last restart.")
@click.option("--timestamps", is_flag=True, help="With the time of each line.")
@context_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str | None,
    follow: bool,
    since: timedelta | None,
    tail: int | None,
    container: str | None,
    all_containers: bool,
    previous: bool,
    timestamps: bool,
    context: str | None,
    output: str,
) -> None:
    """Print the logs of the pods of APP in ENVIRONMENT, or in each where it is.

    Options are those of `kubectl logs`. Where there are several logs, each line begins with its pod. Values
    of the namespace's Secrets and what looks like a credential are masked, private keys and Secret manifests
    over several lines, too, if --tail or --since does not cut off how they begin. --follow also takes up
    pods that come later and containers that restart, and ends by an interrupt. With `--output json` each
    line is a JSON object of its own.

    \b
    Examples:
      towpath logs hello prod
      towpath logs hello prod --follow --since 5m
      towpath logs hello prod --container web --previous
      towpath logs hello dev --output json
    """
    from towpath.adapters.kubernetes import LogQuery
    from towpath.engine.operate.pod_logs import Choice

    if follow and previous:
        raise click.UsageError("--follow and --previous exclude each other: the earlier log has ended.")
    if container and all_containers:
        raise click.UsageError("--container and --all-containers exclude each other.")
    choice = Choice(container, all_containers)
    seconds = None if since is None else max(1, round(since.total_seconds()))
    query = LogQuery(tail, seconds, previous=previous, timestamps=timestamps or output == "json")
    lines, prefixed = _lines(app, environment, context, choice, query, follow=follow)
    for line in lines:
        if output == "json":
            click.echo(json.dumps(line.to_json(), ensure_ascii=False))
        else:
            click.echo(text(line, prefixed=prefixed, environment=environment is None, timed=timestamps))


def text(line: "LogLine", *, prefixed: bool, environment: bool, timed: bool) -> str:
    """A line for people, with whose it is and when it was written."""
    source = line.source
    where = [source.environment] if environment else []
    head = f"{'/'.join([*where, source.pod, source.container])}: " if prefixed else ""
    return f"{head}{line.time + ' ' if timed and line.time else ''}{line.text}"


def _lines(  # noqa: PLR0913
    app: str,
    environment: str | None,
    context: str | None,
    choice: "Choice",
    query: "LogQuery",
    *,
    follow: bool,
) -> "tuple[Iterable[LogLine], bool]":
    """The lines, and whether they are of several logs."""
    from dataclasses import replace

    from towpath.engine.operate.log_follower import LogFollower
    from towpath.engine.operate.pod_logs import pods_of, require_container, sources_of
    from towpath.errors import RefusedError

    places = _places(app, environment, context)
    pods = {name: pods_of(found) for name, (_, found) in places.items()}
    everywhere = [pod for each in pods.values() for pod in each]
    require_container(everywhere, choice)
    sources = {
        name: [s for pod in each for s in sources_of(name, pod, choice)] for name, each in pods.items()
    }
    several = sum(map(len, sources.values())) != 1
    if several and query.tail is None and query.since is None:
        query = replace(query, tail=TAIL)
    if follow:
        follower = LogFollower(query, choice)
        return follower.lines([_followed(app, name, *place) for name, place in places.items()]), True
    if not everywhere:
        where = f" in {environment}" if environment else ""
        raise RefusedError(
            f"{app} has no pod{where}", remedy=f"`towpath get {app}` shows what is there, and why no pod is."
        )
    return _read({name: place[0] for name, place in places.items()}, sources, query), several


def _read(
    contexts: "dict[str, EnvironmentContext]", sources: "dict[str, list[LogSource]]", query: "LogQuery"
) -> "Iterator[LogLine]":
    from towpath.engine.operate.pod_logs import read_logs

    for name, place in contexts.items():
        yield from read_logs(place.cluster, sources[name], query)


def _followed(app: str, name: str, place: "EnvironmentContext", found: "AppObjects") -> Any:
    from towpath.engine.operate.app_objects import read_app_objects
    from towpath.engine.operate.log_follower import Followed
    from towpath.engine.operate.pod_logs import pods_of

    namespaces = {ref.namespace for ref in found.refs if ref.namespace} | {found.owner.namespace}

    def pods() -> "Sequence[Any]":
        return pods_of(read_app_objects(place, app))

    return Followed(name, place.cluster, tuple(sorted(namespaces)), pods)


def _places(
    app: str, environment: str | None, context: str | None
) -> "dict[str, tuple[EnvironmentContext, AppObjects]]":
    """The environments in which the app is, with what is there of it."""
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.places import in_each_environment
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.app_objects import read_app_objects
    from towpath.printable import printable

    settings = load_settings(context)
    desired = load_environments(settings)

    def look(name: str) -> "tuple[EnvironmentContext, AppObjects]":
        place = environment_context(settings, desired, name)
        return place, read_app_objects(place, app)

    places, problems = in_each_environment(desired.config, app, environment, look)
    for name, why in problems.items():
        click.echo(printable(f"{app} in {name}: {why}"), err=True)
    for name, (_, found) in places.items():
        if any(each.startswith("Secret in ") for each in found.unread):
            click.echo(
                f"{name}: this account may not read Secrets, whose values are not masked unless they look"
                " like credentials",
                err=True,
            )
    return {name: place for name, place in places.items() if place[1].is_there}
