"""`agent.yaml`: what an agent is told by the machine it runs on. Its models are strict and frozen."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from towpath.adapters.endpoint import parse_address
from towpath.config.explain import explain
from towpath.config.fields import Branch, Duration, Model, Name, Text
from towpath.errors import ConfigError, MissingPartError
from towpath.files import read_text
from towpath.redact import remember_secret
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS
from towpath.yamltext.config_reader import config_error, read_document

AGENT_FILE = "agent.yaml"
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$(?!\n)", max_length=4096)]


class Repository(Model):
    """The environment repository. `poll`: how often its branch is asked for its newest commit."""

    url: Text | None = None
    branch: Branch | None = None
    poll: Duration = timedelta(seconds=15)


class Prefect(Model):
    """The Prefect server, and the file with its credentials (`user:password`)."""

    api: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+/api/?$(?!\n)")] | None = None
    auth_file: AbsolutePath | None = None


class ClusterFile(Model):
    """The connection to the environment's cluster; `in-cluster`: the account of the agent's pod."""

    kubeconfig: Annotated[str, StringConstraints(pattern=r"^(in-cluster|/[^\x00]*)$(?!\n)")] | None = None
    context: Annotated[
        Text | None, Field(description="Context of the kubeconfig; null: its current one.")
    ] = None
    allow_exec: Annotated[
        bool, Field(description="Whether the kubeconfig may run a program to get its credentials.")
    ] = False

    @model_validator(mode="after")
    def _has_contexts(self) -> "ClusterFile":
        if self.kubeconfig == "in-cluster" and self.context is not None:
            raise ValueError("`in-cluster` has no contexts")
        return self

    def environ(self) -> dict[str, str | None]:
        """The environment variables that it stands for. A kubeconfig that is named here is the one meant."""
        return {
            "KUBECONFIG": self.kubeconfig,
            "TOWPATH_CONTEXT": self.context or ("" if self.kubeconfig else None),
            "TOWPATH_ALLOW_EXEC": "1" if self.allow_exec else None,
        }


class DockerEngine(Model):
    """Where images are built; for the agent `build` only."""

    host: Annotated[str, StringConstraints(pattern=r"^(unix|tcp)://\S+$(?!\n)")]


class Keys(Model):
    """The agent's own private key, and the file of the public keys that it trusts (`allowed_signers`)."""

    signing: AbsolutePath | None = None
    trusted: AbsolutePath | None = None


class Runs(Model):
    """How many flow runs may be under way at once, and how long they have to end when the agent does."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 8
    grace: Duration = timedelta(seconds=30)


class AgentFile(Model):
    """The whole of `agent.yaml`. What the environment variables of the process say goes before it."""

    api_version: Annotated[Literal["towpath.dev/v1"], Field(alias="apiVersion")]
    environment: Annotated[Name, Field(description="The environment, or `build`.")]
    name: Annotated[
        Name | None,
        Field(description="At the Prefect server, the same after a restart; null: pool and host."),
    ] = None
    repository: Repository = Repository()
    prefect: Prefect = Prefect()
    cluster: ClusterFile = ClusterFile()
    docker: DockerEngine | None = None
    keys: Keys = Keys()
    runs: Runs = Runs()
    listen: Annotated[str, Field(description="HOST:PORT of /metrics, /readyz, /healthz and /notify.")] = (
        "127.0.0.1:4210"
    )
    notify_token_file: AbsolutePath | None = None

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parse_address(value)
        return value

    def environ(self) -> Iterator[tuple[str, str]]:
        """The environment variables that it stands for. MissingPartError for a secret that is not there."""
        named = {
            "TOWPATH_ENVIRONMENTS": self.repository.url,
            "TOWPATH_ENVIRONMENTS_BRANCH": self.repository.branch,
            "PREFECT_API_URL": self.prefect.api,
            **self.cluster.environ(),
            "DOCKER_HOST": self.docker.host if self.docker else None,
            SIGNING_KEY: self.keys.signing,
            TRUSTED_KEYS: self.keys.trusted,
        }
        yield from ((name, value) for name, value in named.items() if value is not None)
        if self.prefect.auth_file:
            yield "PREFECT_API_AUTH_STRING", read_secret(Path(self.prefect.auth_file))


def load_agent_file(path: Path) -> AgentFile:
    """Read an `agent.yaml`. Raises ConfigError with all problems."""
    text = read_text(path.parent, path.name)
    if text is None:
        raise ConfigError("there is no such file", file=str(path))
    return parse_agent_file(text, str(path))


def parse_agent_file(text: str, file: str = AGENT_FILE) -> AgentFile:
    """Parse the text of an `agent.yaml`; `file` is its name in errors."""
    document = read_document(text, file)
    if not isinstance(document.data, dict):
        raise ConfigError(
            "must be a mapping that begins with `apiVersion: towpath.dev/v1`", file=file, line=1
        )
    try:
        return AgentFile.model_validate_json(json.dumps(document.data), by_name=False, by_alias=True)
    except ValidationError as error:
        problems = [
            (document.line(tuple(problem["loc"])), explain(dict(problem), AgentFile))
            for problem in error.errors(include_url=False)
        ]
        raise config_error(problems, file) from error


def agent_file_schema() -> Mapping[str, Any]:
    """The JSON Schema of `agent.yaml`, for editors."""
    schema = AgentFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": AGENT_FILE}


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
