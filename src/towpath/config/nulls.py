"""Takes a list or mapping of `towpath.yaml` that is null for absent, as Kubernetes and Kustomize do.

A key whose entries are all comments is null. Single values stay: `drift:` without a value is a mistake. So is
`apps:`, because it would mean that every app has left.
"""

import typing
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel


def without_null_collections(model: type[BaseModel], data: Any, kept: Collection[str] = ()) -> Any:
    """`data` of a model, without keys that are null where a list or a mapping with a default belongs.

    The keys `kept` of the model itself stay.
    """
    if not isinstance(data, dict):
        return data
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    result: dict[str, Any] = {}
    for key, value in data.items():
        field = fields.get(key)
        if field is None:
            result[key] = value
        elif value is not None:
            result[key] = _inner(field.annotation, value)
        elif key in kept or field.is_required() or not _is_collection(field.annotation):
            result[key] = value
    return result


def _inner(annotation: Any, value: Any) -> Any:
    if _is_model(annotation):
        return without_null_collections(annotation, value)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple and isinstance(value, list):
        return [_inner(arguments[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        # An entry without fields (`apps: {shop: }`) has the default of each.
        empty: Any = {} if _is_model(arguments[1]) else None
        return {key: _inner(arguments[1], empty if item is None else item) for key, item in value.items()}
    models = [argument for argument in arguments if _is_model(argument)]
    return _inner(models[0], value) if len(models) == 1 else value  # `Source | None`


def _is_collection(annotation: Any) -> bool:
    return _is_model(annotation) or typing.get_origin(annotation) in (tuple, dict)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
