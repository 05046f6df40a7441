"""From a push to production with many apps, beside Flux: until all is applied and judged, and what it costs.

Each app has four objects in a namespace of its own (`mttp_apps.py`). Measured are the first sync of all, one
commit that changes every app, and a time in which nothing changes. Ours is an agent and a Prefect server on
SQLite (`mttp_towpath.py`); Flux is source-controller and kustomize-controller (`mttp_flux.py`), once for each
`--flux`: how many Kustomizations at once, and `:wait` where it judges health, too. One follows another on the
same API server; each reads a repository over HTTP, is told of each push, and looks every `--interval`
seconds. Counted are all its processes. The API server is not, nor is this process, which serves Git and gives
Ingresses their addresses.

*Applied*: each Deployment has what the commit says. *Judged*: `towpath status` shows every app at the commit,
healthy and in sync, and no run is under way; of Flux, every Kustomization has applied the commit, which
without `:wait` says nothing about health. What is delivered stays until all has been measured. Argo CD is not
among the engines: its module needs Go 1.27.

Run: KUBECONFIG=… .venv/bin/python -m benchmarks.mttp [--apps 100 --apps 300]
     [--flux 4 --flux 20 --flux 20:wait] [--interval 60] [--idle 300] [--within 3600] [--output json]
"""

import argparse
import functools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mttp_apps import Apps, Contender, apps, remove, until
from benchmarks.mttp_flux import VERSION, build_controllers, flux
from benchmarks.mttp_towpath import towpath
from benchmarks.process_costs import peak_memory, processor_seconds
from towpath.settings import Settings

OURS = "towpath"
Start = Callable[[Apps], AbstractContextManager[Contender]]


@dataclass(frozen=True)
class Row:
    """What one piece of work has taken. `seconds` is None when it was not done in time."""

    apps: int
    engine: str
    work: str
    seconds: float | None
    processor: float
    mebibytes: float
    load: float

    def __str__(self) -> str:
        taken = "not done" if self.seconds is None else f"{self.seconds:.1f}"
        numbers = f"{taken:>8} {self.processor:10.1f} {self.mebibytes:8.0f} {self.load:6.1f}"
        return f"{self.apps:6} {self.engine:<14} {self.work:<14} {numbers}"

    def times(self, ours: "Row") -> str:
        """What another engine took, as a multiple of ours: time (of work), processor time, memory."""
        worked = self.work != "nothing" and self.seconds and ours.seconds
        pairs = [(self.seconds, ours.seconds)] if worked else []
        pairs += [(self.processor, ours.processor), (self.mebibytes, ours.mebibytes)]
        found = [f"{theirs / mine:.1f}" if theirs and mine else "-" for theirs, mine in pairs]
        return "".join(f"{each:>7}" for each in (["-"] if not worked else []) + found)


def measured(
    kind: tuple[int, str, str],
    begin: Callable[[], None],
    ends: Callable[[], bool],
    engine: Contender,
    within: float,
) -> Row:
    """One piece of work: its seconds, processor seconds and the peak of memory."""
    before, started = processor_seconds(), time.monotonic()
    with peak_memory() as peak:
        begin()
        every = max(0.2, kind[0] / 500)  # a look costs the API server time that the engine needs
        done = until(ends, engine.ended, within=within, every=every)
    seconds, used = time.monotonic() - started, processor_seconds() - before
    return Row(*kind, seconds if done else None, used, peak[0], os.getloadavg()[0])


def measure(count: int, name: str, engine: Contender, idle: float, within: float) -> Iterator[Row]:
    for work, revision in (("first sync", "1"), ("change of all", "2")):
        begin = functools.partial(engine.deliver, revision)
        row = measured(
            (count, name, work), begin, functools.partial(engine.settled, revision), engine, within
        )
        yield row
        if row.seconds is None:
            return
    if idle:
        over = time.monotonic() + idle
        kind = (count, name, "nothing")
        yield measured(kind, lambda: None, lambda: time.monotonic() >= over, engine, idle + 60)


def rows(given: argparse.Namespace, settings: Settings) -> Iterator[Row]:
    ours = functools.partial(towpath, interval=given.interval)
    engines: dict[str, Start] = {} if given.without_ours else {OURS: ours}
    for text in given.flux:
        number, _, wait = text.partition(":")
        engines[f"flux {text}"] = functools.partial(
            flux, interval=given.interval, concurrency=int(number), wait=bool(wait)
        )
    with ExitStack() as stack:
        for count in given.apps or [100, 300]:
            for place, (name, start) in enumerate(engines.items()):
                home = f"mttp{os.getpid()}x{count}-{place}"
                stack.callback(remove, settings, home)
                with (
                    tempfile.TemporaryDirectory(prefix="towpath-mttp-", ignore_cleanup_errors=True) as folder,
                    apps(count, home, settings, Path(folder)) as made,
                    start(made) as engine,
                ):
                    yield from measure(count, name, engine, given.idle, given.within)


def concurrency(text: str) -> str:
    number, _, wait = text.partition(":")
    if not (number.isdecimal() and int(number) and wait in ("", "wait")) or text.endswith(":"):
        raise argparse.ArgumentTypeError(f"{text}: give a number, or a number and `:wait`")
    return text


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--apps", type=int, action="append", help="how many apps; may be given again")
    asked.add_argument(
        "--flux", type=concurrency, action="append", default=[], help="4, 20:wait, …; may be given again"
    )
    asked.add_argument("--without-ours", action="store_true", help="measure Flux only")
    asked.add_argument("--interval", type=int, default=60, help="seconds between looks")
    asked.add_argument("--idle", type=float, default=300, help="seconds in which nothing changes")
    asked.add_argument("--within", type=float, default=3600, help="seconds that one piece of work may take")
    asked.add_argument("--output", choices=("text", "json"), default="text")
    given = asked.parse_args()
    settings = Settings.load(os.environ)
    if not settings.kubeconfig:
        sys.exit("No cluster: run `towpath local up` first, or set KUBECONFIG.")
    if given.flux:
        build_controllers()
    if given.output == "json":
        print(json.dumps([asdict(row) for row in rows(given, settings)], indent=2))
        return
    peers = f"; Flux {VERSION}" if given.flux else ""
    print(f"{os.cpu_count()} CPUs; every engine looks every {given.interval} s{peers}")
    print(
        f"{'apps':>6} {'engine':<14} {'work':<14} {'seconds':>8} {'processor':>10} {'MiB':>8} {'load':>6}"
        "   times ours: seconds, processor, MiB"
    )
    ours: dict[tuple[int, str], Row] = {}
    for row in rows(given, settings):
        if row.engine == OURS:
            ours[row.apps, row.work] = row
        mine = ours.get((row.apps, row.work))
        print(f"{row} {row.times(mine) if mine and mine is not row else ''}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
