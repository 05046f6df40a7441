"""Which images a new release has: those that are named, and of the others what an environment runs."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from towpath.config import App
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import RefusedError
from towpath.release.image_ref import ImageReference, parse_image, same_repository
from towpath.release.model import Images, ReleaseImage

SEPARATOR = ","
"""Between the images of one delivery."""


def named_images(app: App, texts: Iterable[str]) -> dict[str, ImageReference]:
    """The images that texts name (`REGISTRY/NAME@sha256:…`, or `NAME=…` by the name in towpath.yaml).

    RefusedError for one that is not the app's, or is named twice; TerminalError for what is no image.
    """
    named: dict[str, ImageReference] = {}
    for text in texts:
        name, image = _named(app, text.strip())
        if name in named:
            raise RefusedError(f"image {name} of {app.name} is named twice: {named[name]} and {image}")
        named[name] = image
    return named


def _named(app: App, text: str) -> tuple[str, ImageReference]:
    app.require_released()
    said, equals, reference = text.partition("=")
    image = parse_image(reference if equals else text)
    if equals and said not in app.images:
        raise RefusedError(f"{app.name} has no image {said!r}; it has: {', '.join(app.images)}")
    names = [said] if equals else list(app.images)
    for name in names:
        if same_repository(image.name, app.images[name]):
            return name, image
    declared = ", ".join(app.images[name] for name in names)
    which = f"image {said}" if equals else "the image" if len(names) == 1 else "an image"
    raise RefusedError(
        f"{image.name} is not {which} of {app.name}, which {'is' if len(names) == 1 else 'has'} {declared}",
        remedy=f"Name an image of it, or change apps.{app.name} in towpath.yaml.",
    )


def compose(repo: EnvironmentRepo, app: App, environment: str, named: Mapping[str, str]) -> Images:
    """The images of a release with these digests by name, the others as Git says that the environment runs.

    RefusedError where it runs none of those.
    """
    state = repo.release(app.name, environment)
    runs = {each.name: each.digest for each in state.release.images} if state else {}
    digests = {**runs, **named}
    if missing := [name for name in app.images if name not in digests]:
        raise RefusedError(
            f"{environment} runs no {' and no '.join(missing)} of {app.name} yet, which a release of it has",
            remedy="Name all of its images: "
            + " ".join(f"--image {name}={app.images[name]}@sha256:…" for name in app.images),
        )
    return tuple(ReleaseImage(name, image, digests[name]) for name, image in sorted(app.images.items()))


def begins_in(repo: EnvironmentRepo, app: App) -> str:
    """The environment whose images stay that nobody names: where releases of the app begin.

    Of several such environments, which all get each release, it is the one that has the newest.
    """

    def built(name: str) -> datetime:
        state = repo.release(app.name, name)
        return state.release.built if state else datetime.min.replace(tzinfo=UTC)

    return max((each.name for each in repo.config.first_environments(app.name)), key=built)


def first_of(repo: EnvironmentRepo, app: App, named: str = "") -> tuple[str, ...]:
    """Where a new release of the app goes: the environment that is `named`, or all that come first.

    RefusedError for one that comes after others: a release comes there by those.
    """
    first = tuple(each.name for each in repo.config.first_environments(app.name))
    if named and named not in first:
        raise RefusedError(
            f"a new release of {app.name} comes in by {' or '.join(first)}, not {named}",
            remedy=f"Name {' or '.join(first)}, or promote a release that is there.",
        )
    return (named,) if named else first


def delivered_as(app: App, images: Images) -> str:
    """How a delivery of images that were built elsewhere is asked for. Those that are built here stay."""
    return SEPARATOR.join(each.reference for each in images if each.name not in app.built)


def split_delivery(revision: str) -> tuple[str, list[str]]:
    """The revision of Git that is delivered, empty where none is, and the images that are named beside it.

    No revision of Git has an `@` before a colon.
    """
    parts = revision.split(SEPARATOR)
    images = [part for part in parts if "@sha256:" in part]
    return (SEPARATOR.join(part for part in parts if part not in images), images)


def digests_elsewhere(app: App, texts: Iterable[str]) -> dict[str, str]:
    """The digests of images that texts name, by name. RefusedError also for a tag, and for what is built."""
    named = named_images(app, texts)
    if tags := [str(image) for image in named.values() if image.digest is None]:
        raise RefusedError(f"{' and '.join(tags)}: an image is delivered by its digest")
    require_elsewhere(app, named)
    return {name: str(image.digest) for name, image in named.items()}


def require_elsewhere(app: App, names: Iterable[str]) -> None:
    """RefusedError where one of the images is built here of the app's source."""
    if here := [name for name in names if name in app.built]:
        what = "its releases are" if len(app.images) == 1 else f"its image {here[0]} is"
        raise RefusedError(
            f"{app.name} has a `source`, so {what} built here",
            remedy=f"`towpath deliver {app.name}` builds a release. Without `source`, or with"
            " `prebuilt: true` of an image, images come from elsewhere.",
        )
