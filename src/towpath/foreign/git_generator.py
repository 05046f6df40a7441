"""Parameters of the git generator of an ApplicationSet: folders and files of the repository that is there."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.foreign.definition import Fields
from towpath.foreign.templates import normalized
from towpath.yamltext.manifest_reader import load_document

_SUFFIXES = (".yaml", ".yml", ".json")


class GitTree:
    """Folders and files of a repository, read once: a matrix asks for them again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._contents: dict[str, Any] = {}

    @cached_property
    def _walked(self) -> tuple[list[str], list[str]]:
        folders, paths = [], []
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(name for name in names if not name.startswith("."))
            here = Path(folder).relative_to(self.root)
            folders += [(here / name).as_posix() for name in names if not (Path(folder) / name).is_symlink()]
            paths += [
                (here / name).as_posix()
                for name in files
                if name.endswith(_SUFFIXES) and not (Path(folder) / name).is_symlink()
            ]
        return sorted(folders), sorted(paths)

    @property
    def folders(self) -> Sequence[str]:
        """All folders, but hidden ones."""
        return self._walked[0]

    @property
    def files(self) -> Sequence[str]:
        """Files that may hold parameters."""
        return self._walked[1]

    def content(self, path: str) -> Any:
        """The value in a file. Raises ConfigError."""
        if path not in self._contents:
            self._contents[path] = load_document(read_text(self.root, path) or "", path)
        return self._contents[path]


def git_parameters(tree: GitTree, git: Fields) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, parameters) of each folder, or of each value in a file, nested; a file that is none is told."""
    prefix = git.text("pathParamPrefix")
    directories, files = _rules(git, "directories"), _rules(git, "files")
    if any(directories):
        for folder in _chosen(tree.folders, *directories, deep=False):
            yield folder, _under(prefix, _path(folder))
        return
    for path in _chosen(tree.files, *files, deep=True):
        try:
            content = tree.content(path)
        except ConfigError as error:
            git.tell("files", f"({path}) cannot be read: {error.problems[0].message}")
            continue
        listed = content if isinstance(content, list) else [content]
        for number, each in enumerate(listed):
            if isinstance(each, dict):
                folder, name = posixpath.split(path)
                key = f"{path}[{number}]" if isinstance(content, list) else path
                yield key, {**each, **_under(prefix, _path(folder or ".", name))}


def _rules(git: Fields, key: str) -> tuple[list[str], list[str]]:
    """Patterns of what is wanted, and of what is not."""
    rules = [(each.text("path").strip("/"), each.take("exclude") is True) for each in git.items(key)]
    wanted = [pattern for pattern, exclude in rules if not exclude]
    return wanted, [pattern for pattern, exclude in rules if exclude]


def _chosen(
    paths: Iterable[str], wanted: Iterable[str], unwanted: Iterable[str], *, deep: bool
) -> Iterator[str]:
    for path in paths:
        if any(_matches(path, each, deep=deep) for each in wanted) and not any(
            _matches(path, each, deep=deep) for each in unwanted
        ):
            yield path


def _matches(path: str, pattern: str, *, deep: bool) -> bool:
    """Whether a pattern fits, step by step; `**` is any number of steps where patterns are `deep`."""
    names = path.split("/")
    reached = {0}
    for step in pattern.split("/"):
        if step == "**" and deep:
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {
                place + 1 for place in reached if place < len(names) and fnmatchcase(names[place], step)
            }
        if not reached:
            return False
    return len(names) in reached


def _path(folder: str, name: str = "") -> dict[str, Any]:
    basename = posixpath.basename(folder)
    path = {
        "path": folder,
        "basename": basename,
        "basenameNormalized": normalized(basename),
        "segments": folder.split("/"),
    }
    return {**path, "filename": name, "filenameNormalized": normalized(name)} if name else path


def _under(prefix: str, path: dict[str, Any]) -> dict[str, Any]:
    return {prefix: {"path": path}} if prefix else {"path": path}


def flat_path(prefix: str, parameters: dict[str, Any]) -> dict[str, str]:
    """The parameters of a path as templates that are none of Go's name them: `path`, `path[0]`."""
    path = parameters[prefix]["path"] if prefix else parameters["path"]
    name = f"{prefix}.path" if prefix else "path"
    texts = {f"{name}.{key}": value for key, value in path.items() if key not in ("path", "segments")}
    steps = {f"{name}[{number}]": step for number, step in enumerate(path["segments"]) if step}
    return {name: path["path"], **texts, **steps}
