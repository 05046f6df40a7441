"""Looks for new images in registries, so that a push to one alone starts a delivery."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from towpath.adapters.registries.image_finder import ImageFinder
from towpath.adapters.registries.registry import get_release
from towpath.agent.poller import Progress
from towpath.agent.source_poller import Start
from towpath.config import CONFIG_FILE, App
from towpath.engine.source.composition import begins_in, compose, delivered_as
from towpath.engine.source.history import release_history
from towpath.engine.source.repository import EnvironmentRepo
from towpath.files import read_text
from towpath.release.model import EnvironmentRelease, id_of_images
from towpath.yamltext.config_reader import read_document

FOUND = ""
"""Where progress keeps what was found; an app has a name."""


@dataclass(frozen=True, slots=True)
class WatchedApp:
    """An app that has images with `watch`: what is new of them comes in together."""

    app: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An image as it was found, since when it is known as the newest, and whether another one was before."""

    digest: str
    since: datetime
    came: bool


@dataclass(frozen=True, slots=True)
class WatchedImages:
    """Each repository of an image with `watch` is asked for its newest image."""

    start: Start
    say: Callable[[str], None]
    finders: dict[str, ImageFinder] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def subjects(self, repo: EnvironmentRepo) -> Iterator[tuple[WatchedApp, dict[str, float]]]:
        """Each app that has watched images, and how often its registries are asked (seconds)."""
        for name, app in repo.config.apps.items():
            if app.watched:
                poll = min(watch.poll.total_seconds() for watch in app.watched.values())
                yield WatchedApp(name), {name: poll}

    def name(self, apps: Sequence[str]) -> str:
        """`images of shop`"""
        return f"images of {', '.join(apps)}"

    def ask(
        self, repo: EnvironmentRepo, subject: WatchedApp, _apps: Sequence[str], progress: Progress
    ) -> None:
        """Start the delivery of the newest images, unless they were recorded together before."""
        app = repo.config.app(subject.app)
        environment = begins_in(repo, app)
        state = repo.release(app.name, environment)
        found = self._newest(repo, app, progress)
        images = compose(repo, app, environment, _wanted(repo, app, found, state))
        release = id_of_images(images)
        if progress.handled.get(app.name) != release:
            runs = state.release.id if state else ""
            if release != runs and get_release(app.first_image, release) is None:
                self.start(app.name, delivered_as(app, images), release.removeprefix("sha256:")[:7])
        progress.handled |= {app.name: release, FOUND: found}

    def _newest(self, repo: EnvironmentRepo, app: App, progress: Progress) -> dict[str, Seen]:
        """The newest images, each since when it is that; `progress` is what was found and handled before."""
        before: dict[str, Seen] = progress.handled.get(FOUND, {})
        found: dict[str, Seen] = {}
        for name, watch in app.watched.items():
            image = app.images[name]
            newest = self.finders.setdefault(image, ImageFinder(image)).newest(watch)
            if newest.note and image not in self.told:
                self.told.add(image)
                self.say(f"{_place(repo, app, name)}: {newest.note}")
            known = before.get(name)
            same = known is not None and known.digest == newest.digest
            found[name] = known if known and same else Seen(newest.digest, datetime.now(UTC), bool(known))
        return found


def _place(repo: EnvironmentRepo, app: App, image: str) -> str:
    """File, line and key of a `watch`."""
    document = read_document(read_text(repo.root, CONFIG_FILE) or "", CONFIG_FILE)
    path = ("apps", app.name, "images", image, "watch")
    return f"{CONFIG_FILE}:{document.line(path)}: {'.'.join(path)}"


def _wanted(
    repo: EnvironmentRepo, app: App, found: dict[str, Seen], state: EnvironmentRelease | None
) -> dict[str, str]:
    """The digests that come in: not those that people, or a rollback, have replaced.

    Git tells what was released before. A tag that names such an image again, for all to see, is a new find.
    """
    if state is None:
        return {name: seen.digest for name, seen in found.items()}
    runs = {each.name: each.digest for each in state.release.images}
    new = {name: seen for name, seen in found.items() if name in runs and seen.digest != runs[name]}
    released = _released(repo, app) if any(not seen.came for seen in new.values()) else set()
    replaced = {
        name
        for name, seen in new.items()
        if seen.since < state.promoted or (not seen.came and (name, seen.digest) in released)
    }
    return {name: seen.digest for name, seen in found.items() if name not in replaced}


def _released(repo: EnvironmentRepo, app: App) -> set[tuple[str, str]]:
    """Name and digest of the images of all releases that came in where releases begin, as Git tells."""
    first = repo.config.first_environments(app.name)
    histories = (release_history(repo.checkout, repo.config, app.name, each.name) for each in first)
    return {
        (image.name, image.digest)
        for entry in chain.from_iterable(histories)
        for image in entry.release.images
    }
