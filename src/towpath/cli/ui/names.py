"""What people name on the command line: apps, environments, revisions. Checked before anything starts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from towpath.adapters.git import resolve_revision
from towpath.config import Config, resolve_source_url
from towpath.config.keys.graph import Needs, flat, needs_text
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import MissingPartError, RefusedError, TransientError, UnknownNameError
from towpath.release.model import Release
from towpath.settings import GIT_TIMEOUT, Settings


@dataclass(frozen=True, slots=True)
class Environments(EnvironmentRepo):
    """The environment repository at one commit, and the settings that it was fetched with."""

    settings: Settings

    def revision(self, app: str, revision: str | None) -> str:
        """The whole commit id of a revision of an app's source; of its branch's head when none is named."""
        config = self.config.app(app)
        url = resolve_source_url(config, self.settings.environments_url())
        branch = config.source.branch if config.source else self.settings.branch
        return resolve_revision(
            url,
            revision or branch,
            self.settings.cache,
            allow_file=self.settings.git_allow_file,
            timeout=GIT_TIMEOUT,
        )


def load_environments(settings: Settings, revision: str | None = None) -> Environments:
    """Fetch the environment repository at `revision`, or its branch; MissingPartError without a URL."""
    desired = read_repository(settings, revision)
    return Environments(desired.checkout, desired.config, settings, protection=desired.protection)


def verified_before(environments: Environments, app: str, needs: Needs) -> Release:
    """The release that is verified in the environments before; the newest of several."""
    found = {name: environments.release(app, name) for name in flat(needs)}
    verified = {name: state.release for name, state in found.items() if state and state.verified_at}
    chosen = {
        release.id: release
        for release in verified.values()
        if all(any(name in verified and verified[name].id == release.id for name in group) for group in needs)
    }
    if not chosen:
        raise RefusedError(
            f"no release of {app} is verified in {needs_text(needs)}",
            remedy="Promote it there first. For an emergency: --break-glass, with --release or --commit.",
        )
    return max(chosen.values(), key=lambda release: release.built_at)


@contextmanager
def of_apps(apps: Iterable[str], config: Config, environment: str) -> Iterator[None]:
    """Work on apps of which some may have left Git, which is for the cluster to say.

    One that is not in Git is told as UnknownNameError, with the nearest name, also where no cluster answers.
    """
    unknown = [app for app in apps if app not in config.apps]
    try:
        yield
    except UnknownNameError as error:
        if error.name not in unknown:
            raise
        where = f"Git, and nothing of it is live in {environment}"
        raise UnknownNameError("app", error.name, config.apps, where=where) from error
    except (MissingPartError, TransientError) as error:
        if not unknown:
            raise
        where = f"Git, and whether anything of it is live in {environment} cannot be asked: {error.message}"
        raise UnknownNameError("app", unknown[0], config.apps, where=where) from error
