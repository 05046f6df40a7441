"""Looks for new commits of the apps' sources, so that a push alone starts a delivery."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from towpath.adapters.git import branch_head
from towpath.adapters.registry import find_release
from towpath.config import resolve_source_url
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import TowpathError, as_towpath_error
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.start import start_delivery
from towpath.orchestration.server import Server
from towpath.settings import Settings

Start = Callable[[str, str], None]
"""Starts the delivery of an app's commit, unless it was started before."""
PERSON = "build-agent"
"""Who started the run of a commit that nobody asked for."""
AT_ONCE = 8
ASK_TIMEOUT = 15.0
"""Seconds that a source has to say which commit is its newest."""
LONGEST_PAUSE = 900.0
"""Seconds between two questions to a source that does not answer, unless it is polled less often anyway."""
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Source:
    """One branch of one repository, which several apps may be built from."""

    url: str
    branch: str


@dataclass(slots=True)
class Progress:
    """What is known of a source. `handled`: app -> the commit that needs nothing more."""

    due: float = 0.0
    failures: int = 0
    told: str = ""
    handled: dict[str, str] = field(default_factory=dict)


class SourcePoller:
    """Asks each source whose app has `source.poll` for its newest commit, and starts what is new.

    `interval` is in seconds: how often the environment repository is asked which apps there are.
    """

    def __init__(
        self,
        settings: Settings,
        start: Start,
        say: Callable[[str], None],
        *,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._start, self._say = settings, start, say
        self._interval, self._clock = interval, clock
        self._repo: EnvironmentRepo | None = None
        self._read_at = float("-inf")
        self._trouble = ""
        self._progress: dict[Source, Progress] = {}

    def keep(self, closed: threading.Event) -> None:
        """Look until closed."""
        while not closed.wait(self.look()):
            pass

    def look(self) -> float:
        """One round; the seconds until the next."""
        self._read()
        apps = dict(polled(self._repo, self._settings.environments_url())) if self._repo else {}
        for gone in set(self._progress) - set(apps):
            del self._progress[gone]
        now = self._clock()
        due = [source for source in apps if self._progress.setdefault(source, Progress()).due <= now]
        if due:
            with ThreadPoolExecutor(min(AT_ONCE, len(due))) as pool:
                list(pool.map(lambda source: self._ask(source, apps[source]), due))
        waits = [self._progress[source].due - self._clock() for source in apps]
        return max(1.0, min([self._interval, *waits]))

    def _read(self) -> None:
        """The environment repository's newest commit; the one before while it cannot be read."""
        if self._clock() - self._read_at < self._interval:
            return
        self._read_at = self._clock()
        settings = self._settings
        try:
            head = branch_head(
                settings.environments_url(),
                settings.branch,
                settings.cache,
                allow_file=settings.git_allow_file,
                timeout=ASK_TIMEOUT,
            )
            if self._repo is None or head != self._repo.commit:
                self._repo = read_repository(settings, head)
            self._trouble = ""
        except Exception as raised:  # noqa: BLE001 - the thread goes on, and tells it once
            error = as_towpath_error(raised)
            if error.message != self._trouble:
                self._say(f"sources are polled as before: {error.message}")
            self._trouble = error.message

    def _ask(self, source: Source, apps: Mapping[str, float]) -> None:
        progress, poll = self._progress[source], min(apps.values())
        try:
            head = branch_head(
                source.url,
                source.branch,
                self._settings.cache,
                allow_file=self._settings.git_allow_file,
                timeout=ASK_TIMEOUT,
            )
            for app in apps:
                if progress.handled.get(app) != head:
                    self._begin(app, head)
                    progress.handled[app] = head
            progress.failures, progress.told = 0, ""
        except Exception as raised:  # noqa: BLE001 - other sources go on, and this one is asked again
            error = as_towpath_error(raised)
            progress.failures += 1
            if error.message != progress.told:
                self._say(f"source of {', '.join(apps)}: {error.message}")
            progress.told = error.message
        pause = min(poll * 2.0**progress.failures, max(poll, LONGEST_PAUSE))
        progress.due = self._clock() + pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311

    def _begin(self, app: str, head: str) -> None:
        """Start the delivery of a commit that was not delivered; not of one that was rolled back."""
        repo = self._repo
        if repo is None or app not in repo.config.apps:
            return
        state = repo.release(app, repo.config.first_environment(app).name)
        if state is not None and state.release.commit == head:
            return
        if find_release(repo.config.app(app).first_image, head) is None:
            self._start(app, head)


def starter(url: str, say: Callable[[str], None]) -> Start:
    """Starts deliveries at a Prefect server: one run for each commit, also where another agent polls, too."""

    def start(app: str, commit: str) -> None:
        api = PrefectApi(url, read_timeout=10.0, retries=1)
        try:
            run, new = start_delivery(Server(api), app, commit, repeat=False, person=PERSON)
        finally:
            api.close()
        if new:
            say(f"{app} {commit[:7]} is new: run {run.id} delivers it")

    return start


def polled(repo: EnvironmentRepo, base: str) -> Iterator[tuple[Source, dict[str, float]]]:
    """Each source that is polled, with its apps and how often (seconds)."""
    found: dict[Source, dict[str, float]] = {}
    for app in repo.config.apps.values():
        if app.source is None or app.source.poll is None or len(app.images) != 1:
            continue
        try:
            source = Source(resolve_source_url(app, base), app.source.branch)
        except TowpathError:  # `towpath check` tells
            continue
        found.setdefault(source, {})[app.name] = app.source.poll.total_seconds()
    yield from found.items()
