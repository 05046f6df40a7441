"""The source repository: which commit is delivered, and its files."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.runs.step import settings as read_settings
from tasks.runs.step import step
from towpath.adapters.git import Checkout, fetch_checkout, read_commit
from towpath.config import App, Config, ScanPolicy, resolve_source_url
from towpath.config import Source as SourceConfig
from towpath.engine.source.repository import read_repository
from towpath.errors import ConfigError, RefusedError
from towpath.formats.versions import FileVersion
from towpath.redact import redact
from towpath.settings import GIT_TIMEOUT

MAX_SUBJECT = 200
"""Characters of a commit's subject that are kept with its release."""


@dataclass(frozen=True, slots=True)
class Source:
    """One commit of an app's source, checked out, and how it is built and scanned."""

    config: App
    build: SourceConfig
    policy: ScanPolicy
    version: FileVersion
    """That of the environment repository: its agents read the records of its releases."""
    first_environment: str
    url: str
    commit: str
    subject: str
    author: str
    committed_at: str
    path: Path
    files: Checkout
    begun_at: str
    """When the delivery began, RFC 3339."""

    @property
    def app(self) -> str:
        return self.config.name

    @property
    def image(self) -> str:
        """Repository that releases are pushed to."""
        return self.config.first_image

    @property
    def short_id(self) -> str:
        return self.commit[:7]

    @property
    def told(self) -> str:
        """One line that says which commit it is."""
        return f"Commit `{self.commit}`: {self.subject}"

    @property
    def tag(self) -> str:
        """What the image is called between its steps; a release is named by its digest only."""
        return f"{self.image}:{self.commit}"


@step("checkout {app}")
def checkout(app: str, revision: str) -> Source:
    """Fetch the app's source at a branch, tag or commit."""
    settings = read_settings()
    config = read_repository(settings).config
    url = resolve_source_url(config.app(app), settings.environments_url())
    files = fetch_checkout(
        url, revision, settings.cache, allow_file=settings.git_allow_file, timeout=GIT_TIMEOUT
    )
    return source_of(config, app, files)


def source_of(config: Config, app: str, files: Checkout) -> Source:
    """One commit of an app's source, and how towpath.yaml says to build and scan it."""
    app_config, about = config.app(app), read_commit(files)
    if app_config.source is None:  # resolve_source_url has said so
        raise ConfigError(f"app {app} has no `source`", file="towpath.yaml")
    if len(app_config.images) != 1:
        raise RefusedError(f"app {app} has {len(app_config.images)} images, and one is built of a source")
    return Source(
        config=app_config,
        build=app_config.source,
        policy=config.scan,
        version=config.api_version,
        first_environment=config.first_environment(app).name,
        url=files.url,  # without the credentials that the URL may have carried: it is kept for ever
        commit=files.commit,
        subject=redact(about.subject)[:MAX_SUBJECT],
        author=f"{about.author} <{about.author_email}>",
        committed_at=about.committed_at,
        path=files.path,
        files=files,
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
