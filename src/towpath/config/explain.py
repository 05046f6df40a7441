"""Explains pydantic's errors in the words of `towpath.yaml`."""

import difflib
import json
import re
import typing
from typing import Annotated, Any

from pydantic import BaseModel

from towpath.config.keys.fields import HINTS
from towpath.config.keys.models import Config
from towpath.formats.versions import CONFIG, LATEST, FileVersion, is_key_of


def explain(problem: dict[str, Any], root: type[BaseModel] = Config, version: FileVersion = LATEST) -> str:
    """A sentence for one item of pydantic's `ValidationError.errors()`; `root` models the whole file.

    `version` is that of a towpath.yaml.
    """
    loc: tuple[str | int, ...] = problem["loc"]
    key, parent = (loc[-1] if loc else ""), loc[:-1]
    inside = f" in {_dotted(parent)}" if parent else ""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = [
                name
                for name in _keys_at(parent, root)
                if root is not Config or is_key_of((*parent, name), CONFIG, version)
            ]
            nearest = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean `{nearest[0]}`?" if nearest else f"known are {', '.join(known)}"
            return f"unknown key `{key}`{inside}; {hint}"
        case "missing":
            return f"`{key}` is missing{inside}"
        case "literal_error":
            return f"{_dotted(loc)}: must be {context['expected']}, not {_shown(problem['input'])}"
        case "string_pattern_mismatch":
            hint = HINTS.get(context["pattern"], f"must match {context['pattern']}")
            return f"{_dotted(tuple(part for part in loc if part != '[key]'))}: {hint}"
        case "value_error":
            return f"{_dotted(loc)}: {context['error']}"
        case _:
            message = problem["msg"].replace("Input should be", "must be").replace("String should", "must")
            message = message.replace("object", "mapping").replace("dictionary", "mapping")
            message = re.sub(
                r"an? valid (instance of )?mapping|an mapping|an instance of \w+", "a mapping", message
            )
            return f"{_dotted(loc)}: {message}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _dotted(path: tuple[str | int, ...]) -> str:
    """`environments[1].gate.soak`"""
    # `extras: x` is short for `extras: {"*": x}`: the file has no star.
    path = path[:-1] if path[-2:] == ("extras", "*") else path
    # An image may be its repository alone.
    path = path[:-1] if path[2:3] == ("images",) and path[4:] == ("repository",) else path
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _keys_at(path: tuple[str | int, ...], root: type[BaseModel]) -> list[str]:
    """The keys of the model at `path`."""
    model: Any = root
    for part in path:
        model = _model_in(model)
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            model = fields[str(part)].annotation
        else:
            model = typing.get_args(model)[1 if typing.get_origin(model) is dict else 0]
    model = _model_in(model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """`Source | None` -> `Source`; `Annotated[X, …]` -> `X`; anything else as it is."""
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    args = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
    if type(None) in typing.get_args(annotation):
        return args[0]
    return annotation
