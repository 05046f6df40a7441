"""What a promotion or a rollback writes into the environment repository."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from towpath.adapters.rendering import renderers
from towpath.config import App, Config, Environment, load_config
from towpath.errors import ConfigError, MissingPartError
from towpath.files import Edits, read_text
from towpath.formats.record import version_of
from towpath.formats.versions import FileVersion, newest
from towpath.kube.image_fields import image_fields, objects_in
from towpath.overlay.image_edit import chart_edits, edit_image, editable_files, without_images
from towpath.release.image_ref import is_image, same_repository
from towpath.release.model import EnvironmentRelease, Images, ReleaseImage
from towpath.release.quarantine import (
    QuarantineEntry,
    add_to_quarantine,
    dump_quarantine,
    load_quarantine,
    quarantine_path,
)
from towpath.release.release_file import (
    dump_release_file,
    load_release_file,
    release_path,
    without_findings,
)


@dataclass(frozen=True, slots=True)
class Renderers:
    """Where the programs that render are looked for before PATH, and where their results are kept."""

    tools: Path | None = None
    cache: Path | None = None


def promote_edits(  # noqa: PLR0913
    root: Path,
    config: Config,
    environment: str,
    state: EnvironmentRelease,
    programs: Renderers = Renderers(),
    *,
    renew: bool = False,
) -> Edits:
    """The overlay with the release's images, and its `release.yaml`. Empty when it is all there already.

    `renew` writes `release.yaml` also when it names the release: the one that is there, others have written.
    """
    release = state.release
    edits: dict[str, str | None] = dict(
        image_edits(root, config, release.app, environment, release.images, programs)
    )
    path = release_path(release.app, environment)
    current = load_release_file(root, path)
    if renew or current is None or current.release.id != release.id:
        version = version_to_write(root, config, path)
        edits[path] = dump_release_file(without_findings(state), version)
    return edits


def version_to_write(root: Path, config: Config, path: str) -> FileVersion:
    """The version in which a file is written: that of towpath.yaml, never an older one than the file has.

    So agents of the former version read all files of a repository until it is migrated.
    """
    return newest(config.api_version, version_of(read_text(root, path), path))


def rollback_edits(  # noqa: PLR0913, PLR0917
    root: Path,
    config: Config,
    environment: str,
    restored: EnvironmentRelease,
    quarantined: QuarantineEntry | None,
    programs: Renderers = Renderers(),
) -> Edits:
    """The overlay and `release.yaml` of an earlier release, and the failed digest in the quarantine."""
    app = restored.release.app
    edits = dict(promote_edits(root, config, environment, restored, programs))
    if quarantined is not None:
        path = quarantine_path(app)
        before = load_quarantine(root, path)
        after = add_to_quarantine(before, quarantined)
        if after != before:
            edits[path] = dump_quarantine(after, version_to_write(root, config, path))
    return edits


def quarantine_edits(root: Path, app: str, quarantined: QuarantineEntry) -> Edits:
    """Only the failed digest in the quarantine: there is no earlier release to go back to."""
    path = quarantine_path(app)
    before = load_quarantine(root, path)
    after = add_to_quarantine(before, quarantined)
    if after == before:
        return {}
    return {path: dump_quarantine(after, version_to_write(root, load_config(root), path))}


def verified_edits(root: Path, app: str, environment: str, release: str, at: str) -> Edits:
    """`release.yaml` with the time of its verification; empty when it has one, or names another release.

    `release` is the id of the release.
    """
    path = release_path(app, environment)
    current = load_release_file(root, path)
    if current is None or current.release.id != release or current.verified_at is not None:
        return {}
    version = version_to_write(root, load_config(root), path)
    return {path: dump_release_file(replace(current, verified_at=at), version)}


def signed_edits(root: Path, state: EnvironmentRelease, environment: str) -> Edits:
    """`release.yaml` as the agent states it; empty when it names another release, or none, by now."""
    path = release_path(state.release.app, environment)
    current = load_release_file(root, path)
    if current is None or current.release.id != state.release.id:
        return {}
    version = version_to_write(root, load_config(root), path)
    return {path: dump_release_file(without_findings(state), version)}


def image_edits(  # noqa: PLR0913, PLR0917
    root: Path,
    config: Config,
    app: str,
    environment: str,
    images: Images,
    programs: Renderers = Renderers(),
) -> dict[str, str]:
    """The files of the overlay that change when it is to run `images`; every other byte is kept."""
    app_config, where = config.app(app), config.environment(environment)
    files = overlay_files(root, app_config, environment)
    runs = _images_of_base(root, app_config, where, files, programs)
    edits: dict[str, str] = {}
    if app_config.renderer == "helm" and len(images) > 1:
        edits = _alike(root, app_config, where, files, images, programs)
    for image in images if not edits else ():
        before = {**files, **edits}
        if app_config.renderer == "helm":
            edits |= _chart_edits(root, app_config, where, before, image, programs)
            continue
        edits |= edit_image(
            app_config.renderer,
            before,
            image.image,
            image.digest,
            container=app_config.container,
            image_rules=app_config.image_rules,
            runs=runs,
        )
    return {path: text for path, text in edits.items() if text != files[path]}


def _alike(  # noqa: PLR0913, PLR0917
    root: Path,
    app: App,
    environment: Environment,
    files: dict[str, str],
    images: Images,
    programs: Renderers,
) -> dict[str, str]:
    """The first edit that names all images in the same way, with which the chart runs each; mostly one does.

    Together, because a chart may not render, or not fully, while one of them has no values yet.
    """
    first, *others = images
    for number, start in enumerate(chart_edits(files, first.image, first.digest, first.name)):
        edits = dict(start)
        try:
            for image in others:
                ways = chart_edits({**files, **edits}, image.image, image.digest, image.name)
                edits |= next(itertools.islice(ways, number, None), {})
            found = _images(root, app, environment, programs, {**files, **edits})
        except MissingPartError:
            return {}
        except ConfigError:  # the chart may know no such values
            continue
        if all(_runs_exactly(found, image.image, image.digest) for image in images):
            return edits
    return {}


def _chart_edits(  # noqa: PLR0913, PLR0917
    root: Path,
    app: App,
    environment: Environment,
    files: dict[str, str],
    image: ReleaseImage,
    programs: Renderers,
) -> dict[str, str]:
    """The first edit of a chart's values with which the chart runs the image at its digest, if any.

    Where the chart does not render, the most likely one: the promotion is refused for that at its own place.
    """
    likely, made = None, None
    name = image.name if len(app.images) > 1 else ""
    for edits in chart_edits(files, image.image, image.digest, name):
        likely = edits if likely is None else likely
        try:
            images = _images(root, app, environment, programs, {**files, **edits})
        except MissingPartError:
            return likely
        except ConfigError:  # the chart may know no such value
            continue
        if _runs_exactly(images, image.image, image.digest):
            return edits
        made = made or sorted(each for each in images if image.digest in each)
    if likely is None or made is None:
        return likely or {}
    found = f"they give {', '.join(made)}" if made else "none gives the digest"
    places = f"`{name}.image`, `images.{name}` or another mapping that names it" if name else "`image`"
    raise ConfigError(
        f"no values of {places} make the chart run {image.image} by digest: {found}",
        file=", ".join(files),
        remedy="Let the chart's templates put the image together of `image.repository` and `image.digest` (or"
        " `image.tag`), and of `image.registry` or a global registry where they are set. These must be the"
        " image's.",
    )


def _runs_exactly(images: frozenset[str], image: str, digest: str) -> bool:
    """Whether the image is there, at the digest alone, and nothing else is at that digest or lacks one."""
    ours = {each for each in images if same_repository(each, image)}
    pinned = {each for each in images if each.endswith((f"@{digest}", "@"))}
    return bool(ours) and ours == pinned and all(map(is_image, ours))


def _images_of_base(
    root: Path, app: App, environment: Environment, files: dict[str, str], programs: Renderers
) -> frozenset[str]:
    """The images that an overlay of Kustomize gets from its base, as they are spelt there.

    None are known where it does not render; the promotion is refused for that at its own place.
    """
    if app.renderer != "kustomize":
        return frozenset()
    try:
        return _images(root, app, environment, programs, without_images(files))
    except (ConfigError, MissingPartError):
        return frozenset()


def _images(
    root: Path, app: App, environment: Environment, programs: Renderers, edits: Edits
) -> frozenset[str]:
    """The images of an app's objects, rendered with `edits`."""
    documents = renderers.render(
        root, app, environment, tools=programs.tools, cache=programs.cache, edits=edits
    )
    return frozenset(
        field.image
        for document in documents
        for _, manifest in objects_in(document.value)
        for field in image_fields(manifest, app.image_rules)
    )


def overlay_files(root: Path, app: App, environment: str) -> dict[str, str]:
    """Path -> text of the files in an app's folder for an environment that may name its image."""
    folder = root / "apps" / app.name / environment
    if not folder.is_dir():
        raise ConfigError("there is no such folder", file=f"apps/{app.name}/{environment}")
    names = [file.relative_to(root).as_posix() for file in folder.rglob("*") if file.is_file()]
    nearest_first = sorted(names, key=lambda name: (name.count("/"), name))
    names = editable_files(app.renderer, nearest_first)
    texts = {name: read_text(root, name, encoding="utf-8") for name in names}  # with its byte order mark
    return {name: text for name, text in texts.items() if text is not None}
