"""`door.yaml`: who may ask for which delivery, and how he proves it. Its models are strict and frozen."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from towpath.adapters.endpoint import parse_address
from towpath.config.keys.fields import Duration, Model, Name, Text
from towpath.config.machine_file import AbsolutePath, Prefect, read_secret
from towpath.errors import MissingPartError
from towpath.redact import remember_secret

DOOR_FILE = "door.yaml"
SHORTEST_SECRET = 16
"""Characters: a shorter secret can be guessed from one signed request."""
MIB = 1 << 20
_LOOPBACK = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"


def _pattern(pattern: str, hint: str, longest: int = 1000) -> Any:
    """What makes a text one of that pattern; who writes another is told the hint."""

    def check(value: str) -> str:
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise ValueError(hint)
        return value

    return AfterValidator(check)


Url = Annotated[
    str,
    _pattern(
        rf"(https://[^\s/?#@]+|{_LOOPBACK})(/[^\s?#]*)?", "must be an https address (http: on loopback only)"
    ),
]
RepositoryName = Annotated[
    str,
    _pattern(
        r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+",
        "must be OWNER/NAME, as its forge shows it, for example acme/shop",
    ),
]
RefPattern = Annotated[
    str,
    _pattern(
        r"[^\x00-\x20\x7f~^:?\[\\]+",
        "must be the name of a branch or tag; `*` stands for anything but `/`, `**` for anything",
        255,
    ),
]
Variable = Annotated[str, _pattern(r"[A-Za-z_][A-Za-z0-9_]*", "must be the name of an environment variable")]
ForgeName = Literal["github", "gitlab", "gitea"]


class Secret(Model):
    """Where a secret is: a file or an environment variable. It is never written into `door.yaml`."""

    file: AbsolutePath | None = None
    variable: Variable | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Secret":
        if (self.file is None) == (self.variable is None):
            raise ValueError("must have `file` or `variable`")
        return self

    def read(self) -> str:
        """The secret, which is printed nowhere from now on. MissingPartError when it is not there."""
        if self.file is not None:
            value, name = read_secret(Path(self.file)), self.file
        else:
            name = str(self.variable)
            value = os.environ.get(name, "").strip()
            if not value:
                raise MissingPartError(f"the secret in the environment variable {name} is missing")
            remember_secret(value)
        if len(value) < SHORTEST_SECRET:
            raise MissingPartError(
                f"the secret {name} has less than {SHORTEST_SECRET} characters",
                remedy="`openssl rand -hex 32` makes one.",
            )
        return value


Secrets = Annotated[tuple[Secret, ...], Field(max_length=5, description="Several while one is replaced.")]


class Hook(Model):
    """The webhook of a forge for pushes and tags, and the secret that both sides know."""

    forge: ForgeName
    secrets: Secrets

    @model_validator(mode="after")
    def _signed(self) -> "Hook":
        if not self.secrets:
            raise ValueError("`secrets` is empty, so that nobody could sign")
        return self


class TokenRule(Model):
    """Tokens of an issuer that may ask for this repository; `claims` are further ones that must be equal."""

    issuer: Name
    claims: Annotated[dict[Text, Text], Field(max_length=20, default_factory=dict)]


class Repository(Model):
    """One source repository: what it may have delivered, and who may ask."""

    name: Annotated[RepositoryName, Field(description="As its forge names it: OWNER/NAME.")]
    apps: Annotated[tuple[Name, ...], Field(max_length=100)]
    branches: Annotated[tuple[RefPattern, ...], Field(max_length=100)] = ("main",)
    tags: Annotated[tuple[RefPattern, ...], Field(max_length=100)] = ()
    hook: Hook | None = None
    tokens: Annotated[tuple[TokenRule, ...], Field(max_length=10)] = ()
    secrets: Annotated[
        tuple[Secret, ...], Field(max_length=5, description="For `POST /deliver` that is signed by HMAC.")
    ] = ()

    @model_validator(mode="after")
    def _somebody_may_ask(self) -> "Repository":
        if not (self.hook or self.tokens or self.secrets):
            raise ValueError("nobody may ask: `hook`, `tokens` or `secrets` is missing")
        if not (self.branches or self.tags):
            raise ValueError("must have `branches` or `tags`")
        if not self.apps or len(set(self.apps)) != len(self.apps):
            raise ValueError("`apps` must name at least one app, and each once")
        return self


class ClaimNames(Model):
    """Names of the claims of an issuer of kind `other`. `commit: null`: the body names the commit."""

    repository: Text = "repository"
    ref: Annotated[Text, Field(description="`refs/heads/…` or `refs/tags/…`.")] = "ref"
    commit: Text | None = "sha"


class Issuer(Model):
    """An OIDC provider whose tokens are verified by its public keys."""

    url: Annotated[Url, Field(description="The claim `iss`, to the letter.")]
    audience: Annotated[Text, Field(description="The claim `aud`: the door, and nothing else.")]
    kind: Literal["github", "gitlab", "other"]
    claims: Annotated[ClaimNames | None, Field(description="For kind `other` only.")] = None
    jwks: Annotated[Url | None, Field(description="Its keys; null: as its discovery document says.")] = None
    leeway: Annotated[Duration, Field(description="How wrong its clock may be, at most 5m.")] = timedelta(
        seconds=30
    )

    @model_validator(mode="after")
    def _claims_of_others(self) -> "Issuer":
        if (self.kind == "other") != (self.claims is not None):
            raise ValueError("`claims` belongs to kind `other`, which needs it")
        if self.leeway > timedelta(minutes=5):
            raise ValueError("leeway: must be at most 5m")
        return self


class Limits(Model):
    """Bounds of requests. Rates are per minute; as many may come at once."""

    body: Annotated[int, Field(ge=1024, le=25 * MIB, description="Bytes of a request's body.")] = MIB
    requests: Annotated[int, Field(ge=1, le=100_000, description="Of one address.")] = 120
    deliveries: Annotated[int, Field(ge=1, le=100_000, description="Of one repository.")] = 30
    connections: Annotated[int, Field(ge=2, le=10_000)] = 200


class Tls(Model):
    """Certificate and key of the door itself; without them it speaks plain HTTP behind a proxy."""

    certificate: AbsolutePath
    key: AbsolutePath


class DoorFile(Model):
    """The whole of `door.yaml`."""

    api_version: Annotated[Literal["towpath.dev/v1"], Field(alias="apiVersion")]
    listen: Annotated[str, Field(description="HOST:PORT.")] = "127.0.0.1:4220"
    tls: Tls | None = None
    proxies: Annotated[
        tuple[Text, ...],
        Field(max_length=100, description="Addresses or networks whose X-Forwarded-For is believed."),
    ] = ()
    prefect: Prefect = Prefect()
    ui: Annotated[Url | None, Field(description="Where people open runs; null: the Prefect server.")] = None
    limits: Limits = Limits()
    grace: Annotated[Duration, Field(description="How long requests have to end.")] = timedelta(seconds=30)
    issuers: Annotated[dict[Name, Issuer], Field(max_length=20, default_factory=dict)]
    repositories: Annotated[tuple[Repository, ...], Field(max_length=1000)]

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parse_address(value)
        return value

    @model_validator(mode="after")
    def _names_fit(self) -> "DoorFile":
        if not self.repositories:
            raise ValueError("`repositories` is empty, so that nobody may ask")
        names = [repository.name for repository in self.repositories]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"repositories: {twice} is there twice")
        urls = [issuer.url for issuer in self.issuers.values()]
        if twice := next((url for url in urls if urls.count(url) > 1), None):
            raise ValueError(f"issuers: {twice} is there twice")
        for repository in self.repositories:
            for rule in repository.tokens:
                if rule.issuer not in self.issuers:
                    raise ValueError(
                        f"repositories: {repository.name} names no issuer of `issuers`: {rule.issuer}"
                    )
        return self
