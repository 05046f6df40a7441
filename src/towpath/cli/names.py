"""What people name on the command line: apps, environments, revisions. Checked before anything starts."""

from dataclasses import dataclass

from towpath.adapters.git import Checkout, fetch_checkout, resolve_revision
from towpath.config import Config, load_config, resolve_source_url
from towpath.settings import Settings

GIT_TIMEOUT = 60.0
"""Seconds for one Git operation over the network."""


@dataclass(frozen=True, slots=True)
class Environments:
    """The environment repository at the head of its branch."""

    settings: Settings
    checkout: Checkout
    config: Config

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
    checkout = fetch_checkout(
        settings.environments_url(),
        revision or settings.branch,
        settings.cache,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )
    return Environments(settings, checkout, load_config(checkout.path))
