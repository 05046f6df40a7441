"""Asks outside things at intervals of their own: those that do not answer less and less often."""

import random
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from towpath.adapters.git import branch_head
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import as_towpath_error
from towpath.settings import Settings

AT_ONCE = 8
ASK_TIMEOUT = 15.0
"""Seconds that Git has to say which commit is the newest of a branch."""
LONGEST_PAUSE = 900.0
"""Seconds between two questions to what does not answer, unless it is polled less often anyway."""
JITTER = 0.1


@dataclass(slots=True)
class Progress:
    """What is known of one thing that is asked. `handled` is whatever its kind remembers, by app."""

    due: float = 0.0
    failures: int = 0
    told: str = ""
    handled: dict[str, Any] = field(default_factory=dict)


class Polled(Protocol):
    """One kind of things that are asked, for the apps that want it."""

    def subjects(self, repo: EnvironmentRepo) -> Iterator[tuple[Hashable, dict[str, float]]]:
        """Each thing that is asked, with its apps and how often (seconds)."""
        ...

    def ask(self, repo: EnvironmentRepo, subject: Any, apps: Sequence[str], progress: Progress) -> None:
        """Ask it, and start what is new."""
        ...

    def name(self, apps: Sequence[str]) -> str:
        """What it is called where it does not answer."""
        ...


class Poller:
    """Asks what the environment repository names, as it is now.

    `interval` is in seconds: how often the environment repository is asked which apps there are.
    """

    def __init__(
        self,
        settings: Settings,
        kinds: Sequence[Polled],
        say: Callable[[str], None],
        *,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._kinds, self._say = settings, kinds, say
        self._interval, self._clock = interval, clock
        self._repo: EnvironmentRepo | None = None
        self._read_at = float("-inf")
        self._trouble = ""
        self._progress: dict[Hashable, Progress] = {}

    def keep(self, closed: threading.Event) -> None:
        """Look until closed."""
        while not closed.wait(self.look()):
            pass

    def look(self) -> float:
        """One round; the seconds until the next."""
        self._read()
        repo = self._repo
        if repo is None:
            return max(1.0, self._interval)
        known = {subject: (kind, apps) for kind in self._kinds for subject, apps in kind.subjects(repo)}
        for gone in set(self._progress) - set(known):
            del self._progress[gone]
        now = self._clock()
        due = [each for each in known if self._progress.setdefault(each, Progress()).due <= now]
        if due:
            with ThreadPoolExecutor(min(AT_ONCE, len(due))) as pool:
                list(pool.map(lambda subject: self._ask(repo, subject, *known[subject]), due))
        waits = [self._progress[subject].due - self._clock() for subject in known]
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
                self._say(f"sources and images are polled as before: {error.message}")
            self._trouble = error.message

    def _ask(self, repo: EnvironmentRepo, subject: Any, kind: Polled, apps: Mapping[str, float]) -> None:
        progress, poll = self._progress[subject], min(apps.values())
        try:
            kind.ask(repo, subject, [*apps], progress)
            progress.failures, progress.told = 0, ""
        except Exception as raised:  # noqa: BLE001 - others go on, and this one is asked again
            error = as_towpath_error(raised)
            progress.failures += 1
            if error.message != progress.told:
                self._say(f"{kind.name([*apps])}: {error.message}")
            progress.told = error.message
        pause = min(poll * 2.0**progress.failures, max(poll, LONGEST_PAUSE))
        progress.due = self._clock() + pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
