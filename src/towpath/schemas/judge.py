"""What an API server of one version would refuse of an object, and which kinds nothing is known of."""

import threading
from collections.abc import Iterator, Mapping

from towpath.kube.kinds import removed_in
from towpath.objects import Manifest, group_of
from towpath.schemas.cel_rules import broken_rules
from towpath.schemas.definitions import CustomKind
from towpath.schemas.list_keys import repeated_keys
from towpath.schemas.names import name_problem
from towpath.schemas.problem import FieldProblem
from towpath.schemas.relations import metadata_problems, related_problems
from towpath.schemas.validator import Validator
from towpath.schemas.versions import ApiSchemas, Schema, TypeName


class UnknownKindError(Exception):
    """No schema is known of a custom kind, or none that can be compiled."""


class SchemaJudge:
    """Judges objects by the schemas of a version and of custom kinds; each is compiled when first used."""

    def __init__(self, schemas: ApiSchemas, custom: Mapping[TypeName, CustomKind] | None = None) -> None:
        self._schemas = schemas
        self._custom = custom or {}
        self._validators: dict[TypeName, Validator] = {}
        self._lock = threading.Lock()

    def is_built_in(self, manifest: Manifest) -> bool:
        """Whether the schemas of the version decide on the kind, and no CustomResourceDefinition."""
        return self._has_group(group_of(manifest["apiVersion"]))

    def _has_group(self, group: str) -> bool:
        # The group of a CustomResourceDefinition has a dot.
        return group in self._schemas.groups or "." not in group

    def problems(self, manifest: Manifest) -> Iterator[FieldProblem]:
        """Every problem. UnknownKindError when no schema of the custom kind is known.

        `manifest` has the shape of an object: texts as apiVersion, kind and name.
        """
        name = (manifest["apiVersion"], manifest["kind"])
        schema = self._schema(manifest, name)
        if isinstance(schema, FieldProblem):
            yield schema
            return
        validator = self._validator(name, schema)
        found = False
        for problem in self._field_problems(manifest, schema, validator):
            found = True
            yield problem
        if not found and name not in self._schemas.kinds:
            yield from broken_rules(manifest, schema)

    def _field_problems(
        self, manifest: Manifest, schema: Schema, validator: Validator
    ) -> Iterator[FieldProblem]:
        group, kind = group_of(manifest["apiVersion"]), manifest["kind"]
        if reason := name_problem(group, kind, manifest["metadata"]["name"], manifest.get("spec")):
            yield FieldProblem(("metadata", "name"), f"`metadata.name` {reason}")
        yield from validator.problems(manifest)
        yield from repeated_keys(manifest, schema, self._schemas.definitions)
        yield from metadata_problems(manifest["metadata"])
        yield from related_problems(manifest, schema, self._schemas.definitions)

    def _schema(self, manifest: Manifest, name: TypeName) -> Schema | FieldProblem:
        if definition := self._schemas.kinds.get(name):
            return {"$ref": f"#/$defs/{definition}"}
        if self.is_built_in(manifest):
            return self._not_served(name, self._schemas.served(group_of(name[0]), name[1]))
        if kind := self._custom.get(name):
            return kind.schema if name[0] in kind.served else self._not_served(name, list(kind.served))
        for (api_version, kind_name), kind in self._custom.items():
            if (group_of(api_version), kind_name) == (group_of(name[0]), name[1]):
                return self._not_served(name, list(kind.served))
        raise UnknownKindError

    def _not_served(self, name: TypeName, served: list[str]) -> FieldProblem:
        api_version, kind = name
        by = f" by Kubernetes {self._schemas.version}" if self._has_group(group_of(api_version)) else ""
        instead = f"served is {', '.join(sorted(served))}" if served else f"no version of {kind} is"
        if not served and (version := removed_in(api_version, kind)):
            instead += f": Kubernetes {version} removed it"
        return FieldProblem(("apiVersion",), f"{api_version} is not served{by}; {instead}")

    def _validator(self, name: TypeName, schema: Schema) -> Validator:
        with self._lock:
            if name not in self._validators:
                is_custom = name not in self._schemas.kinds
                try:
                    self._validators[name] = Validator(
                        schema, self._schemas.definitions, drops_nulls=not is_custom
                    )
                except ValueError:
                    raise UnknownKindError from None
            return self._validators[name]
