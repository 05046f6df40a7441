"""Files that tell a program what the machine it runs on has for it: `agent.yaml`, `door.yaml`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, StringConstraints, ValidationError

from towpath.config.explain import explain
from towpath.config.keys.fields import Model
from towpath.errors import ConfigError, MissingPartError
from towpath.files import read_text
from towpath.redact import remember_secret
from towpath.yamltext.config_reader import config_error, read_document

AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$(?!\n)", max_length=4096)]
M = TypeVar("M", bound=BaseModel)


class Prefect(Model):
    """The Prefect server, and the file with its credentials (`user:password`)."""

    api: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+/api/?$(?!\n)")] | None = None
    auth_file: AbsolutePath | None = None

    def environ(self) -> Mapping[str, str]:
        """The environment variables that it stands for. MissingPartError for a secret that is not there."""
        found = {"PREFECT_API_URL": self.api} if self.api else {}
        if self.auth_file:
            found["PREFECT_API_AUTH_STRING"] = read_secret(Path(self.auth_file))
        return found


def load_machine_file(path: Path, model: type[M]) -> M:
    """Read a file of that model. Raises ConfigError with all problems."""
    text = read_text(path.parent, path.name)
    if text is None:
        raise ConfigError("there is no such file", file=str(path))
    return parse_machine_file(text, str(path), model)


def parse_machine_file(text: str, file: str, model: type[M]) -> M:
    """Parse a text of that model; `file` is its name in errors."""
    document = read_document(text, file)
    if not isinstance(document.data, dict):
        raise ConfigError(
            "must be a mapping that begins with `apiVersion: towpath.dev/v1`", file=file, line=1
        )
    try:
        return model.model_validate_json(json.dumps(document.data), by_name=False, by_alias=True)
    except ValidationError as error:
        problems = [
            (document.line(tuple(problem["loc"])), explain(dict(problem), model))
            for problem in error.errors(include_url=False)
        ]
        raise config_error(problems, file) from error


def machine_file_schema(model: type[BaseModel], file: str) -> Mapping[str, Any]:
    """The JSON Schema of such a file, for editors."""
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": file}


def read_secret(path: Path) -> str:
    """The content of a mounted secret, without white space around it; from now on it is printed nowhere."""
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise MissingPartError(f"the secret {path} cannot be read: {reason}") from error
    if not value:
        raise MissingPartError(f"the secret {path} is empty")
    remember_secret(value)
    return value
