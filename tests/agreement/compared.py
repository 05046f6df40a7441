"""The findings of `towpath check` beside the verdicts of a server."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.agreement.objects import FOLDER, Sample, definitions
from towpath.admission.data import data_problems
from towpath.admission.shape import shape_problem
from towpath.objects import Manifest
from towpath.schemas.definitions import CustomKind, custom_kinds
from towpath.schemas.judge import SchemaJudge
from towpath.schemas.versions import TypeName, load_schemas

VERDICTS = FOLDER / "verdicts.json"
VERSION = "1.35"


def judge() -> SchemaJudge:
    custom: dict[TypeName, CustomKind] = {}
    for definition in definitions():
        custom.update(custom_kinds(definition))
    return SchemaJudge(load_schemas(VERSION), custom)


def findings(manifest: Manifest, schemas: SchemaJudge) -> list[str]:
    """What `towpath check` says of the object itself."""
    if shape := shape_problem(manifest):
        return [shape]
    return [*data_problems(manifest), *(problem.message for problem in schemas.problems(manifest))]


def recorded() -> Mapping[str, str]:
    """The server's reason for each object; empty where it took it."""
    verdicts: dict[str, str] = json.loads(VERDICTS.read_text())["verdicts"]
    return verdicts


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault (or all valid objects): how many are refused, how many of these found."""

    name: str
    objects: int
    refused: int
    found: int
    disagreements: tuple[str, ...]


def compare(name: str, samples: Iterable[Sample], verdicts: Mapping[str, str], schemas: SchemaJudge) -> Row:
    """A disagreement is a finding on an object that the server takes, and none on one that it refuses."""
    objects = refused = found = 0
    disagreements = []
    for sample in samples:
        objects += 1
        reason, ours = verdicts[sample.key], findings(sample.manifest, schemas)
        refused += bool(reason)
        found += bool(reason and ours)
        if bool(reason) != bool(ours):
            said = "; ".join(ours) or "nothing"
            disagreements.append(f"{sample.key}: server: {reason or 'taken'}; check: {said}")
    return Row(name, objects, refused, found, tuple(disagreements))
