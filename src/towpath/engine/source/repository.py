"""The environment repository at one commit: configuration, releases, quarantine, confirmations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from towpath.adapters.git import (
    Checkout,
    earlier_checkout,
    fetch_checkout,
    folder_checkout,
    last_checkout,
)
from towpath.applyset.prune_file import load_confirmed_deletions
from towpath.config import Config, load_config
from towpath.engine.policy.protection import UNPROTECTED, Protection, protect
from towpath.engine.policy.records import pauses_in_force, quarantine_in_force
from towpath.gates.pause import Pause, load_pauses
from towpath.objects import ObjectRef
from towpath.release.model import EnvironmentRelease
from towpath.release.quarantine import QuarantineEntry, load_quarantine, quarantine_path
from towpath.release.release_file import is_in, load_release_file, release_path
from towpath.settings import GIT_TIMEOUT, Settings


@dataclass(frozen=True, slots=True)
class EnvironmentRepo:
    """One commit of the environment repository, checked out and read.

    Where owners sign the policy, `config`, quarantines and pauses are those in force: what of the files is
    looser and not signed has no effect.
    """

    checkout: Checkout
    config: Config
    protection: Protection = field(default=UNPROTECTED, kw_only=True)

    @property
    def root(self) -> Path:
        return self.checkout.path

    @property
    def commit(self) -> str:
        return self.checkout.commit

    def release(self, app: str, environment: str) -> EnvironmentRelease | None:
        """What Git says runs there; None before the first release."""
        return load_release_file(self.root, release_path(app, environment))

    def confirmed(self, app: str, environment: str) -> dict[ObjectRef, str]:
        """The deletions that a commit confirms, each with its object's uid."""
        return load_confirmed_deletions(self.root, app, environment)

    def pauses(self, environment: str) -> tuple[Pause, ...]:
        """Who paused what there, also what is over by now."""
        return pauses_in_force(self.protection.enforced, environment, load_pauses(self.root, environment))

    def releases(self, app: str) -> dict[str, EnvironmentRelease | None]:
        """What Git says runs in each environment."""
        return {each.name: self.release(app, each.name) for each in self.config.environments}

    def quarantine(self, app: str) -> tuple[QuarantineEntry, ...]:
        """The app's digests that failed."""
        files = load_quarantine(self.root, quarantine_path(app))
        return quarantine_in_force(self.protection.enforced, app, files)

    def released_apps(self, environment: str) -> list[str]:
        """Apps that Git has in this environment, by name: those that have a release there.

        An app without images needs none: where it has a folder, it is.
        """
        self.config.environment(environment)
        return sorted(
            name
            for name, app in self.config.apps.items()
            if app.may_be_in(environment) and is_in(self.root, name, environment, released=app.is_released)
        )


def read_repository(settings: Settings, revision: str | None = None) -> EnvironmentRepo:
    """The environment repository at a commit; at the newest of its branch when none is given.

    Git is asked, except for a whole commit id that was fetched before.
    """
    return _repository(fetch_checkout, settings, revision)


def last_repository(settings: Settings, revision: str | None = None) -> EnvironmentRepo:
    """As read_repository, of what was fetched or pushed last: Git is not asked."""
    return _repository(last_checkout, settings, revision)


def earlier_repository(repo: EnvironmentRepo, commit: str) -> EnvironmentRepo | None:
    """The same repository at another commit that was fetched, its files as they are; None without it."""
    files = earlier_checkout(repo.checkout, commit, timeout=GIT_TIMEOUT)
    return EnvironmentRepo(files, _config(files.path)) if files else None


def folder_repository(folder: Path, commit: str, cache: Path) -> EnvironmentRepo:
    """The repository of a folder at another commit. Raises TowpathError where the folder does not have it."""
    files = folder_checkout(folder, commit, cache, timeout=GIT_TIMEOUT)
    return EnvironmentRepo(files, _config(files.path))


def _repository(
    checkout: Callable[..., Checkout], settings: Settings, revision: str | None
) -> EnvironmentRepo:
    files = checkout(
        settings.environments_url(),
        revision or settings.branch,
        settings.cache,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )
    protection, config = protect(files, _config(files.path), settings.trusted_keys)
    return EnvironmentRepo(files, config, protection=protection)


@lru_cache(maxsize=8)
def _config(root: Path) -> Config:
    """A checkout never changes, and a process that lives long reads the same one again and again."""
    return load_config(root)
