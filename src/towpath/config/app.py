"""The models of one application in `towpath.yaml`."""

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from towpath.config.fields import KIND, Branch, Duration, Image, Model, Name, RelativePath, Text
from towpath.kube.image_fields import ImageRule


class Source(Model):
    """Where an app's code is and how its image is built."""

    repository: Annotated[
        Text, Field(description="Git URL; `./` and `../` are relative to this repository's.")
    ]
    branch: Branch = "main"
    context: RelativePath = "."
    dockerfile: RelativePath = "Dockerfile"
    test_target: Annotated[
        Text | None, Field(description="Dockerfile target whose build runs the tests; null: none.")
    ] = "test"


class SmokeCheck(Model):
    """One check after all objects are healthy: a Service, a URL, or a Job that must succeed."""

    service: Name | None = None
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    path: Annotated[str, StringConstraints(pattern=r"^/[^\s\x00-\x1f]*$(?!\n)")] = "/"
    url: Annotated[
        str | None,
        StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$(?!\n)"),
        Field(description="`{environment}` and `{namespace}` are put in."),
    ] = None
    job: Annotated[
        Name | None, Field(description="Job of the app with the annotation `towpath.dev/hook: smoke`.")
    ] = None
    status: Annotated[int, Field(ge=100, le=599)] = 200
    contains: Text | None = None
    latency: Annotated[Duration | None, Field(description="The answer must not take longer.")] = None

    @model_validator(mode="after")
    def _one_target(self) -> "SmokeCheck":
        if sum(target is not None for target in (self.service, self.url, self.job)) != 1:
            raise ValueError("must have exactly one of `service`, `url` and `job`")
        if (self.service is None) != (self.port is None):
            raise ValueError("`service` and `port` go together")
        return self


class ImageFieldRule(Model):
    """A field of a custom resource that names an image, though its key does not say so."""

    kind: Annotated[
        str, StringConstraints(pattern=KIND), Field(description="`Database`, or `Database.example.com`.")
    ]
    pointer: Annotated[
        str,
        StringConstraints(pattern=r"^(/([^~/]|~[01])+)+$(?!\n)", max_length=1000),
        Field(description="JSON pointer; the step `*` stands for each item."),
    ]


class App(Model):
    """One application: its image, its source, how its manifests are rendered."""

    image: Annotated[Image, Field(description="Repository without tag; releases are pushed there.")]
    source: Source | None = None
    renderer: Literal["kustomize", "helm", "plain"] = "kustomize"
    container: Annotated[
        Text | None, Field(description="Container whose image a promotion edits (plain).")
    ] = None
    image_fields: Annotated[tuple[ImageFieldRule, ...], Field(max_length=100)] = ()
    smoke: tuple[SmokeCheck, ...] = ()
    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        """Its key in `apps`."""
        return self._name

    @property
    def image_rules(self) -> tuple[ImageRule, ...]:
        """`imageFields`, for judging and editing images."""
        return tuple(ImageRule(rule.kind, rule.pointer) for rule in self.image_fields)
