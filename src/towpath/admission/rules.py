"""Judges rendered objects before a cluster sees them: shape, placement, metadata, data, images, duplicates.

Lists are unpacked first, so that each of their items is judged. Every finding is reported.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.admission.data import data_problems
from towpath.admission.images import image_problems, unused_image_problem
from towpath.admission.placement import placement_problems
from towpath.admission.policy import AdmissionPolicy
from towpath.admission.shape import shape_problem
from towpath.applyset.annotations import metadata_problems
from towpath.applyset.hooks import hook_phase
from towpath.errors import ConfigError
from towpath.fields.canonical import SERVER_METADATA
from towpath.kube.kinds import Kind, crd_scopes
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.yamltext.manifest_reader import ManifestDocument

MAX_OBJECTS = 20_000
MAX_OBJECT_BYTES = 1_500_000
"""etcd takes no more in one request."""
_MAX_LISTS_IN_LISTS = 10
_SERVER_FIELDS = (*SERVER_METADATA, "deletionTimestamp")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in a file; `line` counts from 1, and is 0 when only the file is known."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line or None, "message": self.message}


@dataclass(frozen=True, slots=True)
class Admission:
    """The result: `objects` may be applied only when there are no `findings`.

    `origins` is the document in which each object was written; `refused` have findings of their own.
    """

    objects: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    origins: Mapping[ObjectRef, ManifestDocument]
    refused: frozenset[ObjectRef] = frozenset()


def admit_objects(
    documents: Sequence[ManifestDocument], policy: AdmissionPolicy, *, folder: str
) -> Admission:
    """Judge every object of the rendered documents. `folder` is named in findings about all of them."""
    findings: list[Finding] = []
    unpacked = list(_unpack(documents, findings))
    if not unpacked and not findings:
        findings.append(Finding(folder, 0, "renders no object: an empty result would delete what runs"))
    if len(unpacked) > MAX_OBJECTS:
        return Admission((), (Finding(folder, 0, f"renders more than {MAX_OBJECTS:,} objects"),), {})
    definitions = crd_scopes(document.value for document in unpacked)
    admitted: list[Manifest] = []
    origins: dict[ObjectRef, ManifestDocument] = {}
    refused: set[ObjectRef] = set()
    for document in unpacked:
        manifest, problems = _judge(document.value, policy, definitions)
        findings.extend(Finding(document.file, document.line, problem) for problem in problems)
        if manifest is None:
            continue
        ref = ref_of(manifest)
        if problems or ref in origins:
            refused.add(ref)
        if ref in origins:
            first = origins[ref]
            message = f"{ref} is declared twice, first in {first.file}:{first.line}"
            findings.append(Finding(document.file, document.line, message))
            continue
        origins[ref] = document
        admitted.append(manifest)
    if problem := unused_image_problem(admitted, policy):
        findings.append(Finding(folder, 0, problem))
    return Admission(tuple(admitted), tuple(findings), origins, frozenset(refused))


def objects_of_two_apps(
    environments: Iterable[tuple[str, Mapping[ObjectRef, ManifestDocument]]],
) -> list[Finding]:
    """A finding for each object that two apps of one environment declare; takes (app, its origins)."""
    owners: dict[ObjectRef, str] = {}
    findings = []
    for app, origins in environments:
        for ref, document in origins.items():
            owner = owners.setdefault(ref, app)
            if owner != app:
                message = f"{ref} is declared by app {app!r} and by app {owner!r}; one of them must own it"
                findings.append(Finding(document.file, document.line, message))
    return findings


def _unpack(
    documents: Iterable[ManifestDocument], findings: list[Finding], level: int = 0
) -> Iterator[ManifestDocument]:
    for document in documents:
        value = document.value
        if not isinstance(value, dict):
            findings.append(Finding(document.file, document.line, "not a Kubernetes object: not a mapping"))
        elif isinstance(kind := value.get("kind"), str) and kind.endswith("List") and "items" in value:
            items = value["items"]
            if items is not None and not isinstance(items, list):
                findings.append(Finding(document.file, document.line, f"{kind}: `items` is not a list"))
                continue
            if level >= _MAX_LISTS_IN_LISTS:
                findings.append(Finding(document.file, document.line, "Lists nested too deep"))
                continue
            inner = (
                ManifestDocument(_with_type(item, value), document.file, document.line)
                for item in items or []
                if item is not None
            )
            yield from _unpack(inner, findings, level + 1)
        else:
            yield document


def _with_type(item: Any, parent: Manifest) -> Any:
    """An item of a typed list (`RoleList`) with the apiVersion and kind that it may leave out."""
    kind = parent["kind"].removesuffix("List")
    if isinstance(item, dict) and kind and "kind" not in item:
        return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}
    return item


def _judge(
    value: Manifest, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> tuple[Manifest | None, list[str]]:
    shape = shape_problem(value)
    if shape:
        return None, [shape]
    manifest = {key: item for key, item in value.items() if key != "status"}
    metadata = {key: item for key, item in value["metadata"].items() if key not in _SERVER_FIELDS}
    manifest["metadata"] = metadata
    kind, name = manifest["kind"], metadata["name"]
    misplaced = list(placement_problems(manifest, policy, definitions))
    field_problems = [
        *metadata_problems(metadata, policy.app, policy.environment),
        *data_problems(manifest),
    ]
    problems = [
        *(f"{kind} {name}: {problem}" for problem in field_problems),
        *image_problems(manifest, policy),
    ]
    if len(json.dumps(manifest, ensure_ascii=False).encode()) > MAX_OBJECT_BYTES:
        problems.append(f"{kind} {name} is larger than an API server takes ({MAX_OBJECT_BYTES:,} bytes)")
    if not misplaced and not problems:  # how it runs matters only for an object that may be here
        problems.extend(_hook_problems(manifest))
    return manifest, misplaced + problems


def _hook_problems(manifest: Manifest) -> Iterator[str]:
    try:
        hook_phase(manifest)
    except ConfigError as error:
        yield error.message
