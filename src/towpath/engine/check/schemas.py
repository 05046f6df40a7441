"""Judges rendered objects by the schemas of Kubernetes versions and of the custom kinds in the repository."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.admission.rules import Admission, Finding
from towpath.config import Config, Environment
from towpath.errors import ConfigError, UnknownNameError
from towpath.files import read_text
from towpath.objects import Manifest
from towpath.schemas.child_names import child_name_note
from towpath.schemas.definitions import CustomKind, custom_kinds
from towpath.schemas.judge import SchemaJudge, UnknownKindError
from towpath.schemas.problem import FieldProblem
from towpath.schemas.versions import TypeName, load_schemas, nearest_version, resolve_version
from towpath.yamltext.lines import ValueLines
from towpath.yamltext.manifest_reader import ManifestDocument

_MAX_FILE_BYTES = 8 << 20
_MAX_KINDS_NAMED = 20
_MAX_NOTES = 50


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An object of a custom kind: it is judged when the definitions of all apps are known."""

    environment: str
    manifest: Manifest
    document: ManifestDocument


class SchemaCheck:
    """One run over all apps and environments; apps are judged by several threads.

    `kubernetes` is a version for all environments. UnknownNameError when its schemas are not known.
    """

    def __init__(self, root: Path, config: Config, kubernetes: str | None) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._notes: list[str] = []
        self._object_notes: set[Finding] = set()
        self._versions: dict[str, str] = {}
        forced = resolve_version(kubernetes) if kubernetes else None
        for environment in config.environments:
            self._versions[environment.name] = forced or self._named_version(environment)
        self._judges = {
            version: SchemaJudge(load_schemas(version)) for version in sorted(set(self._versions.values()))
        }
        self._custom: dict[str, dict[TypeName, CustomKind]] = {name: {} for name in self._versions}
        self._waiting: list[_Waiting] = []

    def _named_version(self, environment: Environment) -> str:
        try:
            return resolve_version(environment.kubernetes)
        except UnknownNameError:
            nearest = nearest_version(environment.kubernetes or "")
            message = (
                f"no schemas of Kubernetes {environment.kubernetes} are known; those of {nearest} are used"
            )
            self._notes.append(f"environment {environment.name}: {message}")
            return nearest

    def findings(self, environment: str, admission: Admission) -> list[Finding]:
        """What is wrong with the objects of one app in one environment; custom kinds wait for `rest`."""
        judge = self._judges[self._versions[environment]]
        found: list[Finding] = []
        lines = _Lines(self._root)
        for manifest, (ref, document) in zip(admission.objects, admission.origins.items(), strict=True):
            if ref in admission.refused:
                continue  # the same fault would be told twice
            if not judge.is_built_in(manifest):
                with self._lock:
                    self._waiting.append(_Waiting(environment, manifest, document))
                continue
            if manifest["kind"] == "CustomResourceDefinition":
                with self._lock:
                    self._custom[environment].update(custom_kinds(manifest))
            found.extend(lines.findings(manifest, document, judge.problems(manifest)))
            if note := child_name_note(manifest):
                problem = FieldProblem(("metadata", "name"), note)
                with self._lock:
                    self._object_notes.update(lines.findings(manifest, document, [problem]))
        return found

    def rest(self) -> tuple[list[Finding], list[str]]:
        """(findings about custom kinds, notes on versions, on names, and on kinds without a schema)."""
        findings: list[Finding] = []
        unknown = Counter[TypeName]()
        everywhere = {name: kind for custom in self._custom.values() for name, kind in custom.items()}
        judges = {
            environment: SchemaJudge(load_schemas(version), {**everywhere, **self._custom[environment]})
            for environment, version in self._versions.items()
        }
        lines = _Lines(self._root)
        for each in self._waiting:
            try:
                problems = list(judges[each.environment].problems(each.manifest))
            except UnknownKindError:
                unknown[each.manifest["apiVersion"], each.manifest["kind"]] += 1
                continue
            findings.extend(lines.findings(each.manifest, each.document, problems))
        return findings, [*self._notes, *self._notes_on_objects(), *_notes(unknown)]

    def _notes_on_objects(self) -> list[str]:
        notes = [str(note) for note in sorted(self._object_notes)]
        if (more := len(notes) - _MAX_NOTES) > 0:
            notes[_MAX_NOTES:] = [f"{more} more notes on names of objects"]
        return notes


def _notes(unknown: Mapping[TypeName, int]) -> list[str]:
    notes = [
        f"{kind} of {api_version}: no schema that can be used is known; not checked ({number} objects)"
        if number > 1
        else f"{kind} of {api_version}: no schema that can be used is known; not checked (1 object)"
        for (api_version, kind), number in sorted(unknown.items())
    ]
    if (more := len(notes) - _MAX_KINDS_NAMED) > 0:
        notes[_MAX_KINDS_NAMED:] = [f"{more} more kinds without a known schema"]
    return notes


class _Lines:
    """Findings with the lines of fields, where the file they come from has them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, ValueLines] = {}

    def findings(
        self,
        manifest: Manifest,
        document: ManifestDocument,
        problems: Iterator[FieldProblem] | Sequence[FieldProblem],
    ) -> Iterator[Finding]:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        for problem in problems:
            line = document.line
            if line:
                line = self._file(document.file).line(line, problem.path, {"kind": kind, "name": name})
            yield Finding(document.file, line, f"{kind} {name}: {problem.message}")

    def _file(self, path: str) -> ValueLines:
        if path not in self._files:
            try:
                text = read_text(self._root, path, max_bytes=_MAX_FILE_BYTES)
            except ConfigError:
                text = None
            self._files[path] = ValueLines(text or "")
        return self._files[path]
