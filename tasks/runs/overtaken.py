"""Which release came in last, for promotions of this machine that wait for their environment's lock.

Each of them would else take the lock, in its turn, to find that a newer release of its app is there.
"""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tasks.runs.run_identity import run_id
from tasks.runs.step import SupersededError, settings
from towpath.orchestration.execution import server_clock
from towpath.release.model import Release


def note_promoted(release: Release, environment: str) -> None:
    """Say that the release came in, and was verified; the environment's lock is held."""
    file = _file(release.app, environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {
        "name": release.short_id,
        "id": release.id,
        "built": release.built.isoformat(),
        "at": server_clock.now().isoformat(),
        "run": run_id(),
    }
    written = file.with_suffix(".new")
    written.write_text(json.dumps(known))
    written.replace(file)


def overtaking(release: Release, environment: str, created: datetime | None) -> Callable[[], None]:
    """To be called again and again: SupersededError once a newer release came in after `created`."""
    file, seen = _file(release.app, environment), -1

    def look() -> None:
        nonlocal seen
        try:
            changed = file.stat().st_mtime_ns
            if changed == seen:
                return
            seen, last = changed, json.loads(file.read_text())
            newer = last["id"] != release.id and datetime.fromisoformat(last["built"]) > release.built
            came, name, run = datetime.fromisoformat(last["at"]), str(last["name"]), str(last["run"])
        except (OSError, ValueError, KeyError, TypeError):  # none, or not by this version
            return
        if newer and created is not None and came > created:
            text = f"{release.app} {release.short_id} was superseded by {name}, which run {run} promoted"
            raise SupersededError(text, remedy="Nothing was changed.")

    return look


def _file(app: str, environment: str) -> Path:
    return settings().cache / "locks" / "promoted" / environment / f"{app}.json"
