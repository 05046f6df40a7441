"""`towpath watch`: answer what differs within a second, instead of at the next schedule."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import environment_argument

if TYPE_CHECKING:
    from types import FrameType

    from towpath.adapters.endpoint import Page
    from towpath.adapters.metrics import Metrics
    from towpath.engine.watch.watcher import Watcher
    from towpath.orchestration.in_process import RunsHere

GRACE = 10.0
"""Seconds that a reconcile under way has to come to its end when the watcher is told to stop."""
CHORES = 5.0
LOOK = 30.0
"""Seconds between two heartbeats' turns, and between two looks at the server's table of health."""
TOKEN = "TOWPATH_NOTIFY_TOKEN"  # noqa: S105 - the name of the variable


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    from towpath.adapters.endpoint import parse_address

    try:
        parse_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command(name="watch")
@environment_argument
@click.option(
    "--interval",
    type=click.FloatRange(min=1.0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the environment repository's branch is asked for its newest commit.",
)
@click.option(
    "--metrics-address",
    default="127.0.0.1:4210",
    show_default=True,
    metavar="HOST:PORT",
    callback=_address,
    help="Where /metrics, /readyz, /healthz and /notify answer.",
)
@click.option(
    "--notify-token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with the token that POST /notify wants (or {TOKEN}); without one there is no /notify.",
)
def command(environment: str, interval: float, metrics_address: str, notify_token_file: Path | None) -> None:
    """Watch ENVIRONMENT and heal it within a second; runs until it is told to stop.

    Watches the metadata of all owned objects and the branch of the environment repository. What changed is
    reconciled at once, as a flow run in this process, by the environment's mode: `report` is only told, `off`
    left alone. Needs the credentials of the environment's worker. Runs on without the Prefect server, and
    records later what it did meanwhile. SIGHUP, or POST /notify, asks Git now; SIGTERM ends it.

    \b
    Examples:
      towpath watch prod
      towpath watch prod --interval 60 --metrics-address 0.0.0.0:9090
      curl -X POST -H "Authorization: Bearer $TOKEN" localhost:4210/notify
    """
    from towpath.adapters.endpoint import Notice, serve
    from towpath.adapters.metrics import Metrics
    from towpath.orchestration.server import prepare
    from towpath.redact import remember_environment_secrets, remember_secret
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    remember_environment_secrets(os.environ)
    token = notify_token_file.read_text().strip() if notify_token_file else os.environ.get(TOKEN, "")
    remember_secret(token)
    url = prepare(settings)
    metrics = Metrics(environment)

    from towpath.engine.watch.watcher import Watcher
    from towpath.orchestration.in_process import RunsHere

    runs = RunsHere(url, environment, say)
    watcher = Watcher(settings, environment, runs, metrics, say, interval=interval)
    notice = Notice("/notify", token, watcher.branch.notify) if token else None
    server = serve(metrics_address, pages(watcher, metrics), notice)
    say(f"metrics and probes at http://{server.server_address[0]!s}:{server.server_address[1]}")
    try:
        attend(watcher, runs)
    finally:
        server.shutdown()


def attend(watcher: "Watcher", runs: "RunsHere") -> None:
    """Keep the watcher until a signal, or until it cannot go on."""
    failures: list[BaseException] = []

    def keep() -> None:
        try:
            with runs.warm():
                watcher.keep()
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            failures.append(error)

    def stop(_number: int, _frame: "FrameType | None") -> None:
        watcher.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: watcher.branch.notify())
    thread = threading.Thread(target=keep, name="watcher", daemon=True)
    chores = threading.Thread(target=do_chores, args=(watcher, runs), name="chores", daemon=True)
    thread.start()
    chores.start()
    while thread.is_alive() and not watcher.stopped:
        thread.join(0.2)
    thread.join(GRACE)
    if thread.is_alive():
        runs.abandon("the watcher was stopped before this run had ended; the next one goes on")
    if failures:
        raise failures[0]
    say("stopped")


def do_chores(watcher: "Watcher", runs: "RunsHere") -> None:
    """What may take its time, again and again."""
    looked = -LOOK
    while not watcher.wait(CHORES):
        runs.tend()
        if time.monotonic() - looked < LOOK:
            continue
        looked = time.monotonic()
        if (health := runs.health()) is not None:
            watcher.set_health(health)
        if (at := runs.last_success()) is not None:
            watcher.succeeded(at)


def pages(watcher: "Watcher", metrics: "Metrics") -> "dict[str, Page]":
    """What answers to GET."""
    from towpath.adapters.endpoint import Response

    def ready() -> Response:
        missing = watcher.not_ready()
        return Response("\n".join(missing) + "\n", 503) if missing else Response("ready\n")

    return {
        "/metrics": lambda: Response(metrics.text(), content_type=metrics.content_type),
        "/readyz": ready,
        "/healthz": lambda: (
            Response("ok\n") if watcher.alive() else Response("it does not turn any more\n", 500)
        ),
    }


def say(line: str) -> None:
    """One line of the log, without secrets."""
    from datetime import UTC, datetime

    from towpath.printable import printable
    from towpath.redact import redact

    click.echo(f"{datetime.now(UTC):%H:%M:%S} {printable(redact(line))}")
    sys.stdout.flush()
