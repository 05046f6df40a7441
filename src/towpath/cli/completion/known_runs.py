"""Runs that verbs have shown last, kept in the cache: completion offers them without asking a server."""

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from towpath.settings import Settings

if TYPE_CHECKING:
    from towpath.orchestration.runs import Run

MOST = 50
FILE = "runs.json"


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as it was shown; `server` is the API's URL, `waits`: for a person."""

    id: str
    name: str
    app: str
    server: str
    waits: bool


def remember_runs(settings: Settings, runs: "Iterable[Run]") -> None:
    """Keep these, the newest first, before earlier ones. A cache that cannot be written keeps none."""
    server = settings.prefect_api_url or ""
    shown = {
        run.id: KnownRun(run.id, run.name, str(run.parameters.get("app") or ""), server, run.waiting)
        for run in runs
    }
    kept = [*shown.values(), *(each for each in _read(settings) if each.id not in shown)][:MOST]
    file = settings.cache / FILE
    written = file.with_name(f"{FILE}.{os.getpid()}")
    with contextlib.suppress(OSError):
        settings.cache.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps([asdict(each) for each in kept]), encoding="utf-8")
        written.replace(file)


def known_runs(settings: Settings) -> list[KnownRun]:
    """Those of the server that a verb would ask, the last shown first."""
    return [each for each in _read(settings) if each.server == (settings.prefect_api_url or "")]


def _read(settings: Settings) -> list[KnownRun]:
    try:
        return [KnownRun(**each) for each in json.loads((settings.cache / FILE).read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
