"""The models of one application in `towpath.yaml`."""

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from towpath.config.keys.fields import (
    KIND,
    Branch,
    BuildArgs,
    Duration,
    Image,
    Model,
    Name,
    NamespaceTemplate,
    RelativePath,
    Text,
)
from towpath.config.keys.image_watch import ImageWatch
from towpath.errors import RefusedError
from towpath.kube.image_fields import ImageRule

SHORTEST_POLL = timedelta(seconds=10)


class Source(Model):
    """Where an app's code is and how its image is built."""

    repository: Annotated[
        Text, Field(description="Git URL; `./` and `../` are relative to this repository's.")
    ]
    branch: Branch = "main"
    poll: Annotated[
        Duration | None,
        Field(
            description="How often the build agent asks for the branch's newest commit and delivers it (at"
            " least 10s); null: never. Since towpath.dev/v2."
        ),
    ] = None
    context: RelativePath = "."
    dockerfile: RelativePath = "Dockerfile"
    build_args: Annotated[
        BuildArgs,
        Field(
            default_factory=dict,
            description="Values of `ARG` in the Dockerfile, no secrets. Since towpath.dev/v2.",
        ),
    ]
    test_target: Annotated[
        Text | None, Field(description="Dockerfile target whose build runs the tests; null: none.")
    ] = "test"

    @field_validator("poll")
    @classmethod
    def _not_in_a_hurry(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < SHORTEST_POLL:
            raise ValueError("must be at least 10s")
        return value


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


class AppImage(Model):
    """One image of an app, in long: `repository` alone may be written as a text."""

    repository: Annotated[Image, Field(description="Repository without tag.")]
    context: Annotated[
        RelativePath | None, Field(description="Docker's build context; null: that of `source`.")
    ] = None
    dockerfile: Annotated[RelativePath | None, Field(description="null: that of `source`.")] = None
    target: Annotated[
        Text | None, Field(description="Dockerfile target that is the image; null: the last one.")
    ] = None
    build_args: Annotated[
        BuildArgs,
        Field(default_factory=dict, description="Beside those of `source`, or in their place."),
    ]
    prebuilt: Annotated[bool, Field(description="It is built elsewhere, though the app has a `source`.")] = (
        False
    )
    watch: Annotated[
        ImageWatch | None,
        Field(description="How the build agent finds new images that were built elsewhere; null: not."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, value: Any) -> Any:
        return {"repository": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _built_here_or_elsewhere(self) -> "AppImage":
        built = [name for name in ("context", "dockerfile", "target") if getattr(self, name) is not None]
        built += ["buildArgs"] if self.build_args else []
        if built and (self.prebuilt or self.watch):
            raise ValueError(
                f"`{built[0]}` is for images that are built here, not `prebuilt` or with `watch`"
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        long = handler(schema)
        return {"anyOf": [long["properties"]["repository"], long]}


class App(Model):
    """One application: its images, its source, how its manifests are rendered."""

    image: Annotated[
        Image | None,
        Field(
            description="Repository without tag of the only image; short for `images: {APP: …}`. Without"
            " `image` and `images` (since towpath.dev/v2) the app has none: it is synced as Git has it."
        ),
    ] = None
    declared_images: Annotated[
        dict[Name, AppImage] | None,
        Field(
            alias="images",
            max_length=50,
            description="Repositories without tag, by name, or mappings; `{}`: no image. Since"
            " towpath.dev/v2.",
        ),
    ] = None
    promote: Annotated[
        Literal["merge", "manifests"] | None,
        Field(
            description="When a merged change of an app without images enters an environment: at once (merge,"
            " as null), or when the same change was verified in the one before. Since towpath.dev/v2."
        ),
    ] = None
    environments: Annotated[
        tuple[Name, ...] | None,
        Field(
            description="Environments where it runs; null: those for which it has a folder. Since"
            " towpath.dev/v2."
        ),
    ] = None
    namespace: Annotated[
        NamespaceTemplate | None,
        Field(
            description="Its own namespace, for it alone; `{environment}` is put in; null: the"
            " environment's. Since towpath.dev/v2."
        ),
    ] = None
    source: Source | None = None
    renderer: Literal["kustomize", "helm", "plain"] = "kustomize"
    container: Annotated[
        Text | None, Field(description="Container whose image a promotion edits (plain).")
    ] = None
    image_fields: Annotated[tuple[ImageFieldRule, ...], Field(max_length=100)] = ()
    smoke: tuple[SmokeCheck, ...] = ()
    depends_on: Annotated[
        tuple[Name, ...],
        Field(
            max_length=50,
            description="Apps that must be healthy in an environment before this one is synced there, where"
            " they have a folder for it. Since towpath.dev/v2.",
        ),
    ] = ()
    _name: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _images_once(self) -> "App":
        if self.image is not None and self.declared_images is not None:
            raise ValueError("must have `image` or `images`, not both")
        if self.container is not None and len(self.declared_images or {}) > 1:
            raise ValueError(
                "`container` is for apps of one image; each of several is known by its repository"
            )
        if self.source is not None and self.declared_images and not self.built:
            raise ValueError("has a `source`, and no image that is built of it")
        repositories = sorted(image.repository for image in (self.declared_images or {}).values())
        for one, other in itertools.pairwise(repositories):
            if one == other:
                raise ValueError(f"images: two names have the repository {one}")
        return self

    @property
    def name(self) -> str:
        """Its key in `apps`."""
        return self._name

    def own_namespace(self, environment: str) -> str:
        """Its own namespace in an environment; empty: it has none, and is in the environment's."""
        return (self.namespace or "").replace("{environment}", environment)

    def may_be_in(self, environment: str) -> bool:
        """Whether it may run there; where it has a folder, too, it does."""
        return self.environments is None or environment in self.environments

    @property
    def images(self) -> Mapping[str, str]:
        """Name -> repository. An image that is written as `image` has the name of the app."""
        if self.declared_images is not None:
            return {name: image.repository for name, image in self.declared_images.items()}
        return {self.name: self.image} if self.image else {}

    @property
    def built(self) -> Mapping[str, AppImage]:
        """Name -> how it is built of the source; none where the app has no source."""
        if self.source is None:
            return {}
        images = self.declared_images or {}
        if self.image:
            images = {self.name: AppImage(repository=self.image, build_args={})}
        return {name: image for name, image in images.items() if not (image.prebuilt or image.watch)}

    @property
    def watched(self) -> Mapping[str, ImageWatch]:
        """Name -> how new images are found in its repository."""
        return {name: image.watch for name, image in (self.declared_images or {}).items() if image.watch}

    @property
    def is_released(self) -> bool:
        """Whether releases of images run; else Git alone is the release: what is merged is synced."""
        return bool(self.images)

    def require_released(self) -> None:
        """RefusedError where the app has no images: then there are no releases to build, promote or judge."""
        if not self.is_released:
            raise RefusedError(
                f"app {self.name} has no image, and releases of images are built and promoted:"
                " what is merged of it into the environment repository is synced as it is",
                remedy=f"Merge a change of apps/{self.name} there. `towpath history {self.name}` lists them,"
                f" `towpath rollback {self.name} ENVIRONMENT --to COMMIT` takes some back.",
            )

    @property
    def first_image(self) -> str:
        """The repository in which releases are looked up: each of the app's images has the records.

        RefusedError where it has none.
        """
        self.require_released()
        return next(iter(self.images.values()))

    @property
    def image_rules(self) -> tuple[ImageRule, ...]:
        """`imageFields`, for judging and editing images."""
        return tuple(ImageRule(rule.kind, rule.pointer) for rule in self.image_fields)
