"""Images that `towpath promote --image` names: which release they are, and how it comes in."""

import click

from towpath.adapters.registries import registry
from towpath.cli.ui.names import Environments
from towpath.config import App
from towpath.config.keys.graph import needs_text
from towpath.engine.source.composition import (
    SEPARATOR,
    compose,
    delivered_as,
    named_images,
    require_elsewhere,
)
from towpath.errors import RefusedError
from towpath.orchestration.delivery.start import start_delivery
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server
from towpath.release.model import Images, Release, id_of_images


def start_images(  # noqa: PLR0913, PLR0917
    server: Server,
    environments: Environments,
    app: str,
    environment: str,
    texts: tuple[str, ...],
    commit: str | None,
) -> tuple[Run, bool]:
    """The run that brings them in where releases begin, and whether it is new: of several such environments
    in this one alone.
    """
    wanted, short_id = delivery(environments, app, environment, texts, commit)
    config = environments.config
    mixed = bool(config.app(app).built)  # what is kept is in no key
    place = environment if len(config.first_environments(app)) > 1 else ""
    return start_delivery(server, app, wanted, short_id=short_id, always=mixed, environment=place)


def delivery(
    environments: Environments, app: str, environment: str, texts: tuple[str, ...], commit: str | None
) -> tuple[str, str]:
    """What the build agent is asked to deliver, and how the run calls it.

    With a `commit` the images that are built of it, and those that are named beside them.
    """
    declared = environments.config.app(app)
    if commit is not None:
        revision = environments.revision(app, commit)
        named = [f"{declared.images[name]}@{digest}" for name, digest in _digests(declared, texts).items()]
        return SEPARATOR.join([revision, *named]), revision[:7]
    images = prebuilt(environments, app, environment, texts)
    return delivered_as(declared, images), id_of_images(images).removeprefix("sha256:")[:7]


def prebuilt(environments: Environments, app: str, environment: str, texts: tuple[str, ...]) -> Images:
    """The images of the new release by their digests. RefusedError where one may not come in."""
    declared = environments.config.app(app)
    require_elsewhere(declared, named_images(declared, texts))
    return _composed(environments, app, environment, texts)


def choose_images(environments: Environments, app: str, environment: str, texts: tuple[str, ...]) -> Release:
    """The recorded release of exactly these images. RefusedError where nobody has recorded one."""
    config = environments.config
    config.require_in(app, environment)
    images = _composed(environments, app, environment, texts)
    found = registry.get_release(config.app(app).first_image, id_of_images(images))
    if found is None:
        names = [each.name for each in config.first_environments(app)]
        first, before = " or ".join(names), needs_text(config.needs(environment, app))
        raise RefusedError(
            f"no release of {app} is {' and '.join(each.reference for each in images)}: an image comes in by"
            f" {'a' if len(names) > 1 else 'the'} first environment, which is {first}, not {environment}",
            remedy=f"`towpath promote {app} --to {names[0]} --image …` with all of these; from there on it is"
            f" promoted, when {before or first} has verified it as a whole.",
        )
    return found


def _composed(environments: Environments, app: str, environment: str, texts: tuple[str, ...]) -> Images:
    """The images that are meant, each by its digest; tells on stderr what stays."""
    declared = environments.config.app(app)
    digests = _digests(declared, texts)
    images = compose(environments, declared, environment, digests)
    for each in images:
        if each.name not in digests:
            click.echo(f"{each.name} stays as {environment} runs it: {each.reference}", err=True)
    return images


def _digests(declared: App, texts: tuple[str, ...]) -> dict[str, str]:
    """The digests of the images that are named, by name; a tag is resolved, and told on stderr."""
    digests: dict[str, str] = {}
    for name, image in named_images(declared, texts).items():
        digests[name] = image.digest or registry.read_manifest(image).digest
        if image.digest is None:
            click.echo(f"{image} is {declared.images[name]}@{digests[name]}", err=True)
    return digests
