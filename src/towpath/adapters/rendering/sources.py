"""Reads the files of an app for rendering: regular files inside the checkout, each once, within limits."""

import itertools
import os
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from towpath.adapters.rendering.quota import RenderQuota
from towpath.errors import ConfigError, TooLargeError
from towpath.files import NO_EDITS, Edits, read_regular, resolve_inside
from towpath.yamltext.manifest_reader import ManifestDocument, load_and_count
from towpath.yamltext.reader import DEFAULT_LIMITS

MAX_FILES = 5_000
MAX_FILE_BYTES = 8 << 20
MAX_BYTES = 16 << 20
MAX_NODES = 300_000
"""YAML values of one app; reading them takes about a second."""
_RENDERED = (".yaml", ".yml", ".json", ".tpl")


class Sources:
    """Files of one checkout, as they are after `edits`.

    Paths are POSIX, relative to its root; `file` and `line` go into errors.
    """

    def __init__(self, root: Path, quota: RenderQuota | None = None, edits: Edits = NO_EDITS) -> None:
        self.root = root.resolve()
        self.quota = quota or RenderQuota()
        self.masked: list[Any] = []
        """Values that were read and that errors must not show."""
        self._real_paths: dict[str, str] = {}
        self.values = 0
        """YAML values read so far."""
        self._read: dict[str, bytes] = {}
        self._documents: dict[str, list[ManifestDocument]] = {}
        self._bytes = 0
        self._rendered = 0
        self._nodes = 0
        self._edits = {self.locate(path, file=path): text for path, text in edits.items()}

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files read so far, sorted."""
        return tuple(sorted(self._read))

    def locate(self, relative: str, *, file: str, line: int | None = None) -> str:
        """The real path, relative to the root; ConfigError outside the checkout and in `.git`."""
        if relative in self._real_paths:
            return self._real_paths[relative]
        try:
            real = resolve_inside(self.root, relative).relative_to(self.root)
        except ConfigError:
            raise ConfigError(
                f"{relative[:200]!r} leads out of the repository; refused", file=file, line=line
            ) from None
        if ".git" in real.parts:
            raise ConfigError(f"{relative!r} leads into `.git`; refused", file=file, line=line)
        self._real_paths[relative] = real.as_posix()
        return self._real_paths[relative]

    def kind(self, relative: str) -> str:
        """What is at a located path: `file`, `folder`, `nothing` or `other` (a device, a pipe, a socket)."""
        if relative in self._edits:
            return "nothing" if self._edits[relative] is None else "file"
        try:
            mode = (self.root / relative).stat().st_mode
        except PermissionError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=relative) from error
        except (OSError, ValueError):
            return "nothing"
        return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"

    def read(self, relative: str, *, file: str, line: int | None = None) -> bytes:
        """The bytes of a file. ConfigError when it is not a regular file; TooLargeError beyond a limit."""
        real = self.locate(relative, file=file, line=line)
        if real in self._read:
            return self._read[real]
        kind = self.kind(real)
        if kind != "file":
            messages = {"nothing": "there is no such file", "folder": "is a folder, not a file"}
            message = messages.get(kind, "is not a regular file")
            raise ConfigError(f"{relative!r}: {message}", file=file, line=line)
        try:
            content = self._content_of(real)
        except OSError as error:
            raise ConfigError(
                f"{relative!r} cannot be read: {error.strerror}", file=file, line=line
            ) from error
        self._bytes += len(content)
        self._rendered += len(content) if real.endswith(_RENDERED) else 0
        if len(content) > MAX_FILE_BYTES:
            message = f"{relative!r} is larger than {MAX_FILE_BYTES >> 20} MiB"
            raise TooLargeError(message, file=file, line=line)
        if self._bytes > MAX_BYTES or len(self._read) >= MAX_FILES:
            limits = f"{MAX_FILES:,} files or {MAX_BYTES >> 20} MiB"
            raise TooLargeError(f"one app is rendered from more than {limits}", file=file, line=line)
        self._read[real] = content
        return content

    def _content_of(self, real: str) -> bytes:
        edited = self._edits.get(real)
        if edited is not None:
            return edited.encode()
        return read_regular(self.root / real, MAX_FILE_BYTES)

    def documents(self, relative: str, *, file: str, line: int | None = None) -> list[ManifestDocument]:
        """The YAML or JSON documents of a file, read by the strict reader."""
        content = self.read(relative, file=file, line=line)
        real = self.locate(relative, file=file, line=line)
        if real not in self._documents:
            self._documents[real] = self.parse(content, real)
        return self._documents[real]

    def parse(self, text: str | bytes, file: str) -> list[ManifestDocument]:
        """The documents of a text that is part of `file`; their values count towards the app's limit."""
        nodes_left = MAX_NODES - self._nodes
        limits = replace(DEFAULT_LIMITS, nodes=min(nodes_left, DEFAULT_LIMITS.nodes))
        try:
            with self.quota.reading():
                documents, nodes = load_and_count(text, file, limits)
        except TooLargeError as error:
            if nodes_left > DEFAULT_LIMITS.nodes or " values" not in error.message:
                raise
            raise self._too_many_values(file, error.line) from None
        self._nodes += nodes
        self.values += nodes
        return documents

    def count(self, values: int, file: str, *, cost: int = 1) -> None:
        """Count values read by other means, each as `cost`; TooLargeError beyond the app's limit."""
        self.values += values
        self._nodes += cost * values
        if self._nodes > MAX_NODES:
            raise self._too_many_values(file, None)

    def _too_many_values(self, file: str, line: int | None) -> TooLargeError:
        return TooLargeError(f"one app is rendered from more than {MAX_NODES:,} values", file=file, line=line)

    def content(self, path: str) -> bytes:
        """The bytes of one of `files`."""
        return self._read[path]

    @property
    def size(self) -> int:
        """Bytes of manifests and templates read so far; the renderer's time depends on it."""
        return self._rendered

    @property
    def total(self) -> int:
        """Bytes of all files read so far."""
        return self._bytes

    def walk(self, folder: str, *, hidden: bool = False) -> list[str]:
        """Every file under a folder, sorted. Symbolic links to folders are refused."""
        paths: list[str] = []
        pending = [folder]
        while pending:
            current = pending.pop()
            for entry in self._entries(current):
                if entry.name.startswith(".") and not hidden:
                    continue
                path = (PurePosixPath(current) / entry.name).as_posix()
                if not entry.name.isprintable():
                    message = f"{entry.name!r}: a file name with signs that cannot be shown; refused"
                    raise ConfigError(message, file=current)
                if entry.is_symlink():
                    place = self.locate(path, file=path)
                    if self.kind(place) == "folder":
                        raise ConfigError("is a symbolic link to a folder; refused", file=path)
                    paths.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    paths.append(path)
                if len(paths) + len(pending) > MAX_FILES:
                    raise TooLargeError(f"has more than {MAX_FILES:,} files", file=folder)
        return sorted(self._edited(folder, paths, hidden=hidden))

    def _edited(self, folder: str, paths: list[str], *, hidden: bool) -> set[str]:
        """The files of a folder without those that the edits delete, and with those that they add."""
        below = {path: text for path, text in self._edits.items() if path.startswith(f"{folder}/")}
        added = {
            path
            for path, text in below.items()
            if text is not None and (hidden or "/." not in path.removeprefix(folder))
        }
        return (set(paths) - below.keys()) | added

    @contextmanager
    def laid_out(self) -> Iterator[Path]:
        """A folder where a program finds what was read.

        It is the checkout, or a copy of those files where there are edits.
        """
        if not self._edits:
            yield self.root
            return
        with tempfile.TemporaryDirectory(prefix="towpath-render-") as name:
            folder = Path(name).resolve()
            for path, content in self._read.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            for relative in self._real_paths:
                self._lay_link(folder, PurePosixPath(posixpath.normpath(relative)))
            yield folder

    def _lay_link(self, folder: Path, relative: PurePosixPath) -> None:
        """Make the symbolic link on the way to `relative`, if there is one."""
        for path in (*reversed(relative.parents), relative):
            if (self.root / path).is_symlink():
                if not (folder / path).is_symlink():
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    target = (self.root / path).resolve().relative_to(self.root)
                    (folder / path).symlink_to(folder / target)
                return

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return list(itertools.islice(entries, MAX_FILES + 1))
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=folder) from error
