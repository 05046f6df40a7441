"""The Applications that an ApplicationSet of Argo CD makes, by its list, git and cluster generators."""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.foreign.clusters import KnownCluster, selected
from towpath.foreign.definition import Definition, Fields, Note
from towpath.foreign.deployment import same_repository
from towpath.yamltext.manifest_reader import load_document

MAX_APPLICATIONS = 1_000
_PLACE = re.compile(r"\{\{-?\s*([^{}]*?)\s*-?\}\}")
_NAME = re.compile(r"\.?[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\[\d+\])*")


class _UnknownError(Exception):
    """A template names what the generator does not give."""


def applications(
    root: Path,
    definition: Definition,
    urls: Iterable[str],
    notes: list[Note],
    clusters: Sequence[KnownCluster] = (),
) -> list[Definition]:
    """The Applications of an ApplicationSet; none when it has no counterpart, which a note says.

    `clusters` are those whose Secrets are in the files.
    """
    spec = Fields(definition, ("spec",), definition.data.get("spec"), notes)
    template = spec.take("template")
    spec.take("goTemplate")
    parameters = [
        each
        for generator in spec.items("generators")
        for each in _parameters(root, generator, tuple(urls), clusters)
    ]
    spec.take("syncPolicy", "goTemplateOptions", "preservedFields")
    spec.tell_rest()
    if len(parameters) > MAX_APPLICATIONS:
        notes.append(
            definition.note(("spec",), f"makes more than {MAX_APPLICATIONS:,}; it is not carried over")
        )
        return []
    made = []
    for each in parameters:
        try:
            data = _filled(template, each)
        except _UnknownError as error:
            message = f"its template has {{{{{error}}}}}, which is not known here; it is not carried over"
            notes.append(definition.note(("spec", "template"), message))
            return []
        metadata = data.get("metadata") if isinstance(data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        lines = {
            path[2:]: line for path, line in definition.lines.items() if path[:2] == ("spec", "template")
        }
        made.append(
            Definition("Application", str(name or ""), definition.namespace, data, definition.file, lines)
        )
    return made


def is_one_app(definition: Definition, made: Sequence[Definition]) -> bool:
    """Whether what an ApplicationSet makes is one app in several places, and not several apps.

    Elements of a list and clusters are places, if they are all different; folders and files of Git are apps.
    """
    spec = definition.data.get("spec")
    generators = spec.get("generators") if isinstance(spec, dict) else None
    of_lists = all(
        isinstance(each, dict) and ("list" in each or "clusters" in each) for each in generators or []
    )
    places = [
        json.dumps(each.data["spec"].get("destination"), sort_keys=True) for each in made if _has_spec(each)
    ]
    return of_lists and len(set(places)) == len(made)


def _has_spec(definition: Definition) -> bool:
    return isinstance(definition.data.get("spec"), dict)


def _parameters(
    root: Path, generator: Fields, urls: tuple[str, ...], clusters: Sequence[KnownCluster]
) -> Iterator[dict[str, Any]]:
    if generator.take("selector", "template"):
        generator.tell("", "selects or changes its template; it is not carried over")
        return
    listed, git = generator.inner("list"), generator.inner("git")
    if generator.take("clusters") is not None:
        yield from _clusters(generator.inner("clusters"), clusters)
    generator.tell_rest()
    elements = listed.take("elements")
    listed.tell_rest()
    yield from (each for each in (elements if isinstance(elements, list) else []) if isinstance(each, dict))
    if not git:
        return
    if not any(same_repository(git.text("repoURL"), each) for each in urls):
        git.tell("repoURL", "is another repository, whose folders are not known here; it is not carried over")
        return
    values = git.take("values")
    git.take("revision", "requeueAfterSeconds")
    more = {"values": values} if isinstance(values, dict) else {}
    for each in (*_folders(root, git), *_contents(root, git)):
        yield {**each, **more}
    git.tell_rest()


def _clusters(generator: Fields, clusters: Sequence[KnownCluster]) -> Iterator[dict[str, Any]]:
    values = generator.take("values")
    found = []
    for each in selected(generator, clusters):
        parameters = each.parameters()
        try:
            filled = _filled(values, parameters) if isinstance(values, dict) else {}
        except _UnknownError as error:
            generator.tell("values", f"have {{{{{error}}}}}, which is not known here; it is not carried over")
            return
        found.append({**parameters, "values": filled})
    generator.tell_rest()
    yield from found


def _folders(root: Path, git: Fields) -> Iterator[dict[str, Any]]:
    rules = [
        (each.text("path").strip("/"), each.take("exclude") is True) for each in git.items("directories")
    ]
    wanted = [pattern for pattern, exclude in rules if not exclude]
    unwanted = [pattern for pattern, exclude in rules if exclude]
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_dir() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    for path in found:
        if any(_matches(path, each) for each in wanted) and not any(
            _matches(path, each) for each in unwanted
        ):
            yield _path(path)


def _contents(root: Path, git: Fields) -> Iterator[dict[str, Any]]:
    patterns = [each.text("path").strip("/") for each in git.items("files")]
    if not patterns:
        return
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix in (".yaml", ".yml", ".json") and path.is_file() and not path.is_symlink()
    )
    for path in found:
        if not any(_matches(path, each) for each in patterns):
            continue
        try:
            content = load_document(read_text(root, path) or "", path)
        except ConfigError as error:
            git.tell("files", f"({path}) cannot be read: {error.problems[0].message}")
            continue
        for each in content if isinstance(content, list) else [content]:
            if isinstance(each, dict):
                folder, name = posixpath.split(path)
                yield {**each, **_path(folder, name)}


def _matches(path: str, pattern: str) -> bool:
    names, steps = path.split("/"), pattern.split("/")
    if "**" in steps:
        return fnmatchcase(path, pattern)
    return len(names) == len(steps) and all(map(fnmatchcase, names, steps))


def _path(folder: str, name: str = "") -> dict[str, Any]:
    basename = posixpath.basename(folder)
    normal = re.sub(r"[^a-z0-9.-]", "-", basename.lower())
    path = {
        "path": folder,
        "basename": basename,
        "basenameNormalized": normal,
        "segments": folder.split("/"),
        "filename": name,
    }
    return {"path": path}


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_text(key, parameters): _filled(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, parameters) for item in value]
    return _text(value, parameters) if isinstance(value, str) else value


def _text(text: str, parameters: Mapping[str, Any]) -> str:
    return _PLACE.sub(lambda found: _lookup(found[1], parameters), text)


def _lookup(name: str, parameters: Mapping[str, Any]) -> str:
    """The value of `cluster`, `.cluster`, `path.basename`, `path[0]` or `.path.path`."""
    if not _NAME.fullmatch(name):
        raise _UnknownError(name[:80])
    value: Any = parameters
    for step in re.findall(r"[\w-]+", name):
        if isinstance(value, dict) and "segments" in value and step.isdigit():
            value = value["segments"]
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise _UnknownError(name[:80])
    if isinstance(value, dict) and "segments" in value:  # `path` of a template that is none of Go's
        value = value["path"]
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise _UnknownError(name[:80])
    return str(value)
