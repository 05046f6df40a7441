"""Looks for new commits of the apps' sources, so that a push alone starts a delivery."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from towpath.adapters.git import branch_head
from towpath.adapters.registries.registry import find_release
from towpath.agent.poller import ASK_TIMEOUT, Progress
from towpath.config import resolve_source_url
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import TowpathError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.start import start_delivery
from towpath.orchestration.server import Server
from towpath.settings import Settings

Start = Callable[[str, str, str], None]
"""Starts the delivery of an app's commit, or of images, unless it was started before; and its short id."""
PERSON = "build-agent"
"""Who started the run of what nobody asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """One branch of one repository, which several apps may be built from."""

    url: str
    branch: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Each source whose app has `source.poll` is asked for its newest commit."""

    settings: Settings
    start: Start

    def subjects(self, repo: EnvironmentRepo) -> Iterator[tuple[Source, dict[str, float]]]:
        """Each source that is polled, with its apps and how often (seconds)."""
        found: dict[Source, dict[str, float]] = {}
        for app in repo.config.apps.values():
            if app.source is None or app.source.poll is None or not app.is_released:
                continue
            try:
                source = Source(resolve_source_url(app, self.settings.environments_url()), app.source.branch)
            except TowpathError:  # `towpath check` tells
                continue
            found.setdefault(source, {})[app.name] = app.source.poll.total_seconds()
        yield from found.items()

    def name(self, apps: Sequence[str]) -> str:
        """`source of hello, twin`"""
        return f"source of {', '.join(apps)}"

    def ask(self, repo: EnvironmentRepo, subject: Source, apps: Sequence[str], progress: Progress) -> None:
        """Start the delivery of its newest commit for each app that has not got it."""
        settings = self.settings
        head = branch_head(
            subject.url,
            subject.branch,
            settings.cache,
            allow_file=settings.git_allow_file,
            timeout=ASK_TIMEOUT,
        )
        for app in apps:
            if progress.handled.get(app) != head:
                self._begin(repo, app, head)
                progress.handled[app] = head

    def _begin(self, repo: EnvironmentRepo, app: str, head: str) -> None:
        """Start the delivery of a commit that was not delivered; not of one that was rolled back."""
        first = [repo.release(app, each.name) for each in repo.config.first_environments(app)]
        if all(state is not None and state.release.commit == head for state in first):
            return
        if find_release(repo.config.app(app).first_image, head) is None:
            self.start(app, head, head[:7])


def starter(url: str, say: Callable[[str], None]) -> Start:
    """Starts deliveries at a Prefect server: one run for each commit, also where another agent polls, too."""

    def start(app: str, revision: str, short_id: str) -> None:
        api = PrefectApi(url, read_timeout=10.0, retries=1)
        try:
            server = Server(api)
            run, new = start_delivery(server, app, revision, repeat=False, person=PERSON, short_id=short_id)
        finally:
            api.close()
        if new:
            say(f"{app} {short_id} is new: run {run.id} delivers it")

    return start
