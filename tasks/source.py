"""The source repository: which commit is delivered, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.runs.step import settings as read_settings
from tasks.runs.step import step
from towpath.adapters.git import Checkout, fetch_checkout, read_commit
from towpath.config import App, ScanPolicy, resolve_source_url
from towpath.config import Source as SourceConfig
from towpath.engine.source.composition import (
    begins_in,
    compose,
    digests_elsewhere,
    first_of,
    split_delivery,
)
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import ConfigError
from towpath.formats.versions import FileVersion
from towpath.redact import redact
from towpath.release.model import Images
from towpath.settings import GIT_TIMEOUT

MAX_SUBJECT = 200
"""Characters of a commit's subject that are kept with its release."""


@dataclass(frozen=True, slots=True)
class Build:
    """How one image is built: where from, and the Dockerfile target that it is (None: the last one).

    `args` are values of `ARG` in the Dockerfile.
    """

    repository: str
    context: str
    dockerfile: str
    target: str | None
    args: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """One commit of an app's source, checked out, and how it is built and scanned."""

    config: App
    build: SourceConfig
    policy: ScanPolicy
    version: FileVersion
    """That of the environment repository: its agents read the records of its releases."""
    first_environments: tuple[str, ...]
    url: str
    commit: str
    subject: str
    author: str
    committed_at: str
    path: Path
    files: Checkout
    kept: Images
    """Images that are built elsewhere, and belong to its release."""
    begun_at: str
    """When the delivery began, RFC 3339."""

    @property
    def app(self) -> str:
        return self.config.name

    @property
    def builds(self) -> Mapping[str, Build]:
        """Name of each image that is built of it -> how."""
        return {
            name: Build(
                image.repository,
                image.context or self.build.context,
                image.dockerfile or self.build.dockerfile,
                image.target,
                {**self.build.build_args, **image.build_args},
            )
            for name, image in self.config.built.items()
        }

    @property
    def short_id(self) -> str:
        return self.commit[:7]

    @property
    def told(self) -> str:
        """One line that says which commit it is."""
        return f"Commit {self.commit}: {self.subject}"

    def tag(self, image: str) -> str:
        """What an image is called between its steps; a release is named by its digests only."""
        return f"{self.builds[image].repository}:{self.commit}"


@step("checkout {app}")
def checkout(app: str, revision: str, environment: str) -> Source:
    """Fetch the app's source at a branch, tag or commit; of its images those that are built elsewhere stay.

    Or they are named beside the revision. `environment`: its release begins there alone; empty: wherever any
    does.
    """
    settings = read_settings()
    repo = read_repository(settings)
    declared, (commit, references) = repo.config.app(app), split_delivery(revision)
    url = resolve_source_url(declared, settings.environments_url())
    files = fetch_checkout(
        url, commit, settings.cache, allow_file=settings.git_allow_file, timeout=GIT_TIMEOUT
    )
    elsewhere = digests_elsewhere(declared, references)
    kept = kept_beside(repo, declared, elsewhere, environment)
    return source_of(repo, app, files, kept, environment)


def kept_beside(repo: EnvironmentRepo, app: App, named: Mapping[str, str], environment: str = "") -> Images:
    """The images that are built elsewhere: those that are named, the others as they run where it begins."""
    if len(app.built) == len(app.images):
        return ()
    anything = dict.fromkeys(app.built, f"sha256:{0:064x}")
    images = compose(repo, app, environment or begins_in(repo, app), {**anything, **named})
    return tuple(each for each in images if each.name not in app.built)


def source_of(
    repo: EnvironmentRepo, app: str, files: Checkout, kept: Images = (), environment: str = ""
) -> Source:
    """One commit of an app's source, and how towpath.yaml says to build and scan it."""
    config = repo.config
    app_config, about = config.app(app), read_commit(files)
    if app_config.source is None:  # resolve_source_url has said so
        raise ConfigError(f"app {app} has no `source`", file="towpath.yaml")
    return Source(
        config=app_config,
        build=app_config.source,
        policy=config.scan,
        version=config.api_version,
        first_environments=first_of(repo, app_config, environment),
        url=files.url,  # without the credentials that the URL may have carried: it is kept for ever
        commit=files.commit,
        subject=redact(about.subject)[:MAX_SUBJECT],
        author=f"{about.author} <{about.author_email}>",
        committed_at=about.committed_at,
        path=files.path,
        files=files,
        kept=kept,
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
