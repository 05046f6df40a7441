"""Releases as plain JSON data, in the shape of each version of the files that hold them. Pure.

towpath.dev/v1 has one image: `image` and `digest`. towpath.dev/v2 has `images`: name -> image and digest.
"""

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from towpath.errors import ConfigError
from towpath.formats.strict_build import build
from towpath.formats.versions import RELEASE, V1, FileVersion
from towpath.release.model import EnvironmentRelease, Release
from towpath.yamltext.path import YamlPath

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
Extra = Literal["ignore", "forbid"]
_MESSAGES = {"unexpected_keyword_argument": "unknown key"}
"""By pydantic's type of problem."""


def encode_release(release: Release, version: FileVersion) -> dict[str, Any]:
    """The data of a release. ConfigError when the version has no place for its images."""
    return _with_file_images(_plain(release), release, version)


def encode_state(state: EnvironmentRelease, version: FileVersion) -> dict[str, Any]:
    """The data of a release in an environment. ConfigError as above.

    An override is said where there is one; towpath.dev/v1 has no place for it, and its commit says it there.
    """
    data = _plain(state)
    if state.override is None or version == V1:
        del data["override"]
    return {**data, "release": _with_file_images(data["release"], state.release, version)}


def decode_release(data: Any, version: FileVersion, *, extra: Extra = "forbid") -> Release:
    """The inverse of `encode_release`; raises ValueError for other data."""
    return _typed(Release, _with_model_images(data, version), extra)


def decode_state(data: Any, version: FileVersion) -> EnvironmentRelease:
    """The inverse of `encode_state`; raises ValueError for other data."""
    if isinstance(data, dict) and "release" in data:
        data = {**data, "release": _with_model_images(data["release"], version)}
    return _typed(EnvironmentRelease, data, "forbid")


def problems_of(error: ValueError, data: Any, version: FileVersion) -> list[tuple[YamlPath, str]]:
    """(path in the file's `data`, what is wrong there) of an error of `decode_state`."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return [((), str(error))]
    return [
        (
            _file_path(problem["loc"], data, version),
            _MESSAGES.get(problem["type"]) or problem["msg"].replace("Value error, ", ""),
        )
        for problem in error.errors(include_url=False, include_input=False)
    ]


def state_schema() -> dict[str, Any]:
    """The JSON Schema of the data of `encode_state`, of the newest version."""
    schema = _adapter(EnvironmentRelease).json_schema()
    defined = schema["$defs"]
    image = defined.pop("ReleaseImage")
    del image["properties"]["name"]
    image["required"].remove("name")
    image["additionalProperties"] = False
    defined["Release"]["properties"]["images"] = {"type": "object", "additionalProperties": image}
    for each in (schema, *defined.values()):
        each["additionalProperties"] = False
    return schema


def _with_file_images(data: dict[str, Any], release: Release, version: FileVersion) -> dict[str, Any]:
    """`data` of a release with its images as the file has them, right after `app`."""
    app, rest = data.pop("app"), data
    images = rest.pop("images")
    if version != V1:
        named = {each["name"]: {"image": each["image"], "digest": each["digest"]} for each in images}
        return {"app": app, "images": named, **rest}
    if len(images) != 1:
        number = f"with {len(images)} images" if images else "without an image"
        raise ConfigError(
            f"a release {number} cannot be written as {version}",
            file=RELEASE,
            remedy=f"`towpath migrate` rewrites the repository, then {release.app} can have it.",
        )
    return {"app": app, "image": images[0]["image"], "digest": images[0]["digest"], **rest}


def _with_model_images(data: Any, version: FileVersion) -> Any:
    """`data` of a file's release with `images` as the model has them; what is wrong stays as it is."""
    if not isinstance(data, dict):
        return data
    if version == V1:
        image = {key: data[key] for key in ("image", "digest") if key in data}
        rest = {key: value for key, value in data.items() if key not in image}
        return {**rest, "images": [{"name": str(data.get("app", "")), **image}]}
    named = data.get("images")
    if not isinstance(named, dict):
        # A list would be taken for the model's own shape.
        return {**data, "images": 0} if "images" in data else data
    if unknown := [name for name, each in named.items() if isinstance(each, dict) and "name" in each]:
        raise ValueError(f"release.images.{unknown[0]}.name: unknown key")
    images = [{"name": name, **each} if isinstance(each, dict) else each for name, each in named.items()]
    return {**data, "images": images}


def _file_path(path: tuple[Any, ...], data: Any, version: FileVersion) -> YamlPath:
    """Where in the file stands what pydantic names by a path of the model."""
    if path[:2] != ("release", "images") or len(path) < 3:
        return tuple(path)
    if version == V1:
        return ("release", *path[3:])
    names = list(data["release"]["images"])
    return ("release", "images", names[path[2]], *path[3:])


def _plain(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(value)))
    return data


def _typed(cls: type[T], data: Any, extra: Extra) -> T:
    try:
        return build(cls, data)
    except ValueError:  # pydantic tells what is wrong, or passes over keys that are not known
        pass
    value: T = _adapter(cast("type", cls)).validate_json(json.dumps(data), extra=extra)
    return value


@functools.cache
def _adapter(cls: type) -> "TypeAdapter[Any]":
    # Here, as sound data needs no pydantic, which is slow to import.
    from pydantic import ConfigDict, TypeAdapter, with_config

    return TypeAdapter(with_config(ConfigDict(strict=True))(cls))
