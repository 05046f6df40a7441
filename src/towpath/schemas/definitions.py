"""The schemas of CustomResourceDefinitions, as JSON Schema.

Structural schemas have extensions of their own (Kubernetes docs: "Extend the Kubernetes API with
CustomResourceDefinitions"): unknown fields are refused unless `x-kubernetes-preserve-unknown-fields` says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from towpath.objects import Manifest
from towpath.schemas.cel_rules import RULES
from towpath.schemas.custom_formats import CUSTOM_FORMATS, PREFIX
from towpath.schemas.versions import Schema, TypeName

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_KEPT = (
    *("enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minimum", "maximum", "multipleOf", "uniqueItems"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "default"),
)
INTEGER_BITS = {"int32": 32, "int64": 64}
_OBJECT_FIELDS: Schema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": f"#/$defs/{META}"},
}


@dataclass(frozen=True, slots=True)
class CustomKind:
    """One version of a custom kind. `served` are all versions of it that are served."""

    schema: Schema
    served: tuple[str, ...]


def custom_kinds(manifest: Manifest) -> Iterator[tuple[TypeName, CustomKind]]:
    """Each version that a CustomResourceDefinition names; nothing for one of another shape."""
    spec = manifest.get("spec")
    if manifest.get("kind") != "CustomResourceDefinition" or not isinstance(spec, dict):
        return
    names, versions = spec.get("names"), spec.get("versions")
    if not isinstance(names, dict) or not isinstance(versions, list):
        return
    group, kind = str(spec.get("group", "")), str(names.get("kind", ""))
    named = [each for each in versions if isinstance(each, dict) and isinstance(each.get("name"), str)]
    served = tuple(f"{group}/{each['name']}" for each in named if each.get("served") is True)
    for version in named:
        inner = version.get("schema")
        schema = inner.get("openAPIV3Schema") if isinstance(inner, dict) else None
        if isinstance(schema, dict):
            yield (f"{group}/{version['name']}", kind), CustomKind(_root(schema), served)


def _root(schema: Schema) -> Schema:
    converted = _structural({**schema, "type": "object"})
    own = converted.get("properties", {}).get("metadata", {})
    properties = {**converted.get("properties", {}), **_OBJECT_FIELDS}
    if rules := own.get("properties"):
        # A definition may say more of a name, and of nothing else.
        named = {key: each for key, each in rules.items() if key in ("name", "generateName")}
        properties["metadata"] = {"allOf": [_OBJECT_FIELDS["metadata"], {"properties": named}]}
    return {**converted, "properties": properties}


def _structural(schema: Any) -> Schema:
    """A part that says which fields there are."""
    if not isinstance(schema, dict):
        return {}
    result = _rules(schema)
    properties = schema.get("properties")
    embedded = schema.get("x-kubernetes-embedded-resource") is True
    if isinstance(properties, dict):
        result["properties"] = {str(name): _structural(each) for name, each in properties.items()}
    if embedded:
        result["properties"] = {**result.get("properties", {}), **_OBJECT_FIELDS}
    if isinstance(required := schema.get("required"), list):
        # What has a default is filled in before it is judged.
        has_default = {
            name for name, each in (properties or {}).items() if isinstance(each, dict) and "default" in each
        }
        result["required"] = [name for name in required if isinstance(name, str) and name not in has_default]
    if embedded:
        result["required"] = sorted({*result.get("required", ()), "apiVersion", "kind"})
    if schema.get("x-kubernetes-preserve-unknown-fields") is not True and schema.get("type") == "object":
        others = schema.get("additionalProperties")
        result["additionalProperties"] = _structural(others) if isinstance(others, dict) else others is True
    if isinstance(items := schema.get("items"), dict):
        result["items"] = _structural(items)
    result |= {key: schema[key] for key in ("default", RULES) if key in schema}
    return result


def _rules(schema: Schema) -> Schema:
    """What a schema says of values, without the fields that there are."""
    result = {key: schema[key] for key in _KEPT if key in schema}
    if (form := schema.get("format")) == "byte":
        result["format"] = form
    elif form in CUSTOM_FORMATS:
        result["format"] = PREFIX + form
    elif form in INTEGER_BITS:
        limit = 1 << (INTEGER_BITS[form] - 1)
        result.setdefault("minimum", -limit)
        result.setdefault("maximum", limit - 1)
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string") is True:
        result["type"] = ["integer", "string"]
    elif isinstance(kind, str) and kind:
        result["type"] = kind
    for bound in ("Minimum", "Maximum"):
        if schema.get(f"exclusive{bound}") is True and (limit := result.pop(bound.lower(), None)) is not None:
            result[f"exclusive{bound}"] = limit
    for key in ("allOf", "anyOf", "oneOf"):
        if isinstance(parts := schema.get(key), list) and parts:
            result[key] = [_value_rules(each) for each in parts]
    if isinstance(schema.get("not"), dict):
        result["not"] = _value_rules(schema["not"])
    if schema.get("nullable") is True or "default" in schema:
        # A null where there is a default is replaced by it.
        result = {"anyOf": [{"type": "null"}, result]} if not _is_simple(result) else _or_null(result)
    return result


def _is_simple(result: Schema) -> bool:
    return not {"allOf", "anyOf", "oneOf", "not"} & set(result)


def _or_null(result: Schema) -> Schema:
    if isinstance(kind := result.get("type"), str):
        result["type"] = [kind, "null"]
    elif isinstance(kind, list):
        result["type"] = [*kind, "null"]
    if isinstance(result.get("enum"), list):
        result["enum"] = [*result["enum"], None]
    return result


def _value_rules(schema: Any) -> Schema:
    """A part below `allOf`, `anyOf`, `oneOf` or `not`: it adds rules and no fields."""
    if not isinstance(schema, dict):
        return {}
    result = _rules(schema)
    if isinstance(schema.get("required"), list):
        result["required"] = schema["required"]
    if isinstance(properties := schema.get("properties"), dict):
        result["properties"] = {str(name): _value_rules(each) for name, each in properties.items()}
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = _value_rules(schema["additionalProperties"])
    if isinstance(items := schema.get("items"), dict):
        result["items"] = _value_rules(items)
    return result
