"""Quarantines and pauses: what the files say, what came since a policy was signed, and what is in force."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from towpath.adapters.git import Checkout, read_file, texts_after
from towpath.config import Config
from towpath.config.protected import Paused, Policy, Quarantined, protected_part
from towpath.errors import ConfigError
from towpath.gates.loosening import PolicyInForce
from towpath.gates.pause import Pause, load_pauses, parse_pauses
from towpath.release.quarantine import QuarantineEntry, load_quarantine, parse_quarantine, quarantine_path

LIMIT = 5000
"""Commits since the signed policy that are looked through."""
QUARANTINES, PAUSES = "apps/*/quarantine.yaml", "pauses/*.yaml"
T = TypeVar("T")
R = TypeVar("R")


def files_policy(root: Path, config: Config) -> Policy:
    """The protected part of the files in a folder. ConfigError for a record that cannot be read."""
    return _files_policy(root, config, load_quarantine, load_pauses)


def readable_policy(root: Path, config: Config) -> Policy:
    """As files_policy; a record that cannot be read says nothing: what was signed of it stays in force.

    Who asks for the record itself is told what is wrong, for that app or environment alone.
    """

    def quarantine(folder: Path, path: str) -> tuple[QuarantineEntry, ...]:
        with suppress(ConfigError):
            return load_quarantine(folder, path)
        return ()

    def pauses(folder: Path, environment: str) -> tuple[Pause, ...]:
        with suppress(ConfigError):
            return load_pauses(folder, environment)
        return ()

    return _files_policy(root, config, quarantine, pauses)


def _files_policy(
    root: Path,
    config: Config,
    quarantine_of: Callable[[Path, str], tuple[QuarantineEntry, ...]],
    pauses_of: Callable[[Path, str], tuple[Pause, ...]],
) -> Policy:
    quarantine = {app: map(_quarantined, quarantine_of(root, quarantine_path(app))) for app in config.apps}
    pauses = {each.name: map(_paused, pauses_of(root, each.name)) for each in config.environments}
    return protected_part(config, quarantine, pauses)


def quarantine_in_force(
    enforced: PolicyInForce | None, app: str, files: tuple[QuarantineEntry, ...]
) -> tuple[QuarantineEntry, ...]:
    """The quarantine of an app with what was taken out of it unsigned."""
    there = {each.release for each in files}
    kept = enforced.policy.quarantine.get(app, ()) if enforced else ()
    return (
        *files,
        *(QuarantineEntry(each.release, each.reason, each.at) for each in kept if each.release not in there),
    )


def pauses_in_force(
    enforced: PolicyInForce | None, environment: str, files: tuple[Pause, ...]
) -> tuple[Pause, ...]:
    """The pauses of an environment with those that were ended unsigned."""
    there = {(each.app, each.until) for each in files}
    kept = enforced.policy.pauses.get(environment, ()) if enforced else ()
    return (
        *files,
        *(Pause(each.app, each.until, each.reason) for each in kept if (each.app, each.until) not in there),
    )


Records = tuple[Mapping[str, tuple[Quarantined, ...]], Mapping[str, tuple[Paused, ...]]]


@lru_cache(maxsize=8)
def records_since(checkout: Checkout, base: str) -> Records:
    """Quarantines by app and pauses by environment that came after `base`, also those that are gone again."""
    texts = texts_after(checkout, base, (QUARANTINES, PAUSES), LIMIT)
    quarantine: dict[str, tuple[Quarantined, ...]] = {}
    pauses: dict[str, tuple[Paused, ...]] = {}
    for path, versions in texts.items():
        before = read_file(checkout, path, base)
        if path.startswith("pauses/"):
            read = [_read(parse_pauses, text, path, _paused) for text in (before, *versions)]
            pauses[Path(path).stem] = _added(read)
        else:
            entries = [_read(parse_quarantine, text, path, _quarantined) for text in (before, *versions)]
            quarantine[path.split("/")[1]] = _added(entries)
    return quarantine, pauses


def _added(versions: list[tuple[T, ...]]) -> tuple[T, ...]:
    """What any version has that the first does not have."""
    before, *later = versions
    return tuple(dict.fromkeys(each for version in later for each in version if each not in before))


def _read(
    parse: Callable[[str, str], tuple[R, ...]], text: str | None, path: str, convert: Callable[[R], T]
) -> tuple[T, ...]:
    try:
        return tuple(map(convert, parse(text, path))) if text else ()
    except ConfigError:
        return ()  # somebody broke it; the versions before and after it say what was there


def _quarantined(entry: QuarantineEntry) -> Quarantined:
    return Quarantined(release=entry.release, at=entry.at, reason=entry.reason)


def _paused(pause: Pause) -> Paused:
    return Paused(app=pause.app, until=pause.until, reason=pause.reason)
