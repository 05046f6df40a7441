"""Rewrites the files of an environment repository to the newest version: all of them, or none."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from towpath.applyset.prune_file import FORM as PRUNE_FORM
from towpath.applyset.prune_file import dump_prune_file, parse_prune_file, prune_path
from towpath.config import CONFIG_FILE, Config, load_config, parse_config
from towpath.errors import ConfigError, Problem
from towpath.files import read_text
from towpath.formats.record import version_of
from towpath.formats.upgrade import with_renamed, with_version
from towpath.formats.versions import (
    LATEST,
    PAUSES,
    PRUNE,
    QUARANTINE,
    RELEASE,
    V1,
    VERIFIED,
    VERSION_KEY,
    FileVersion,
)
from towpath.gates.pause import FORM as PAUSE_FORM
from towpath.gates.pause import dump_pauses, parse_pauses, pause_path
from towpath.release.codec import encode_release
from towpath.release.quarantine import FORM as QUARANTINE_FORM
from towpath.release.quarantine import dump_quarantine, parse_quarantine, quarantine_path
from towpath.release.release_file import dump_release_file, parse_release_file, release_form, release_path
from towpath.release.verified_file import FORM as VERIFIED_FORM
from towpath.release.verified_file import dump_verified, parse_verified, verified_path
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.editor import remove_value, set_value


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: the version that it has, its text, and its text in the newest version."""

    path: str
    version: FileVersion
    before: str
    after: str

    def diff(self) -> str:
        """A unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{self.path}",
            f"b/{self.path}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def migrations(root: Path) -> tuple[Migration, ...]:
    """What is not of the newest version yet, towpath.yaml last. Writes nothing.

    Raises ConfigError with the problems of all files that cannot be read.
    """
    config = load_config(root)
    found: list[Migration] = []
    problems: list[Problem] = []
    for path in record_paths(root, config):
        try:
            if migration := _record(root, path):
                found.append(migration)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        first, *more = problems
        raise ConfigError(
            first.message,
            file=first.file,
            line=first.line or None,
            more=more,
            remedy="Nothing was changed. `towpath check` finds these too.",
        )
    if config.api_version != LATEST:
        before = read_text(root, CONFIG_FILE, encoding="utf-8") or ""  # with its byte order mark
        after = set_value(before, CONFIG_FILE, (VERSION_KEY,), LATEST)
        parse_config(after.removeprefix("\ufeff"), CONFIG_FILE)
        found.append(Migration(CONFIG_FILE, config.api_version, before, after))
    return tuple(found)


def migration_edits(root: Path) -> dict[str, str | None]:
    """The new texts, for a commit."""
    return {each.path: each.after for each in migrations(root)}


def record_paths(root: Path, config: Config) -> Iterator[str]:
    """The files with a version that the repository may have, but for towpath.yaml; also of apps that left.

    Raises ConfigError when the folder of apps cannot be read.
    """
    try:
        there = {each.name for each in (root / "apps").iterdir() if each.is_dir()}
    except (FileNotFoundError, NotADirectoryError):
        there = set()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file="apps") from error
    for app in sorted(there | config.apps.keys()):
        yield quarantine_path(app)
        for environment in config.environments:
            yield release_path(app, environment.name)
            yield prune_path(app, environment.name)
            yield verified_path(app, environment.name)
    for environment in config.environments:
        yield pause_path(environment.name)


def record_version(root: Path, path: str) -> FileVersion | None:
    """The version of a record; None where there is none, or where it says nothing. Raises ConfigError."""
    text = read_text(root, path)
    if text is None or read_document(text, path).data is None:
        return None
    return version_of(text, path)


def write_all(root: Path, changes: tuple[Migration, ...]) -> None:
    """Write the new texts into a folder. When one cannot be written, none is.

    Each file is replaced at once, towpath.yaml last: after a kill all files are readable as before, and the
    same again does the rest. Raises RefusedError for a file behind a symbolic link, OSError as it comes.
    """
    # `towpath check` looks at versions too, and needs no Git.
    from towpath.adapters.git.write.commit import differs

    changes = tuple(each for each in changes if differs(root, each.path, each.after))
    new: dict[Migration, Path] = {}
    done: list[Migration] = []
    try:
        for each in changes:
            new[each] = _beside(root / each.path, each.after)
        for each in changes:
            new[each].replace(root / each.path)
            done.append(each)
    except BaseException:
        for each in done:
            _beside(root / each.path, each.before).replace(root / each.path)
        raise
    finally:
        for file in new.values():
            with suppress(FileNotFoundError):
                file.unlink()


def _beside(file: Path, text: str) -> Path:
    """A new file with the text and the rights of `file`, in the same folder."""
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(number, "wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    shutil.copymode(file, name)
    return Path(name)


def _record(root: Path, path: str) -> Migration | None:
    version = record_version(root, path)
    if version is None:
        return None
    text = read_text(root, path) or ""
    kind = _kind(path)
    said = kind.parse(text, path)  # also what is of the newest version must be readable
    if version == LATEST:
        return None
    try:
        after = kind.edit(text, path, said)
        if kind.parse(after, path) != said or version_of(after, path) != LATEST:
            after = kind.dump(said)
    except (ConfigError, LookupError, ValueError):
        after = kind.dump(said)  # without its comments, which have no place
    return Migration(path, version, text, after)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of record is read, edited so that comments stay, and written anew."""

    parse: Callable[[str, str], Any]
    edit: Callable[[str, str, Any], str]
    dump: Callable[[Any], str]


def _edit_release(text: str, path: str, said: Any) -> str:
    if text == dump_release_file(said, V1):
        return dump_release_file(said, LATEST)
    images = encode_release(said.release, LATEST)["images"]
    text = set_value(with_version(text, path, release_form()), path, ("release", "images"), images)
    for key in ("image", "digest"):
        text = remove_value(text, path, ("release", key))
    return text


def _edit_quarantine(text: str, path: str, said: Any) -> str:
    text = with_version(text, path, QUARANTINE_FORM)
    keys = [(QUARANTINE_FORM.items, index, "digest") for index in range(len(said))]
    return with_renamed(text, path, keys, "release")


def _kind(path: str) -> _Kind:
    parts = PurePosixPath(path).parts
    return _KINDS[parts[0] if parts[0] in (PAUSES, VERIFIED) else parts[-1]]


_KINDS: Mapping[str, _Kind] = {
    RELEASE: _Kind(parse_release_file, _edit_release, lambda said: dump_release_file(said, LATEST)),
    QUARANTINE: _Kind(parse_quarantine, _edit_quarantine, lambda said: dump_quarantine(said, LATEST)),
    PAUSES: _Kind(
        parse_pauses,
        lambda text, path, _: with_version(text, path, PAUSE_FORM),
        lambda said: dump_pauses(said, LATEST) or "",
    ),
    VERIFIED: _Kind(
        parse_verified,
        lambda text, path, _: with_version(text, path, VERIFIED_FORM),
        lambda said: dump_verified(said) if said else "",
    ),
    PRUNE: _Kind(
        parse_prune_file,
        lambda text, path, _: with_version(text, path, PRUNE_FORM),
        lambda said: dump_prune_file(said.items(), LATEST),
    ),
}
