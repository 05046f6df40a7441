"""What an app is made of in an environment, as one id: equal ids mean that no commit changed it meanwhile."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from towpath.adapters.git import Checkout, CommitInfo, list_files, log
from towpath.engine.source.repository import EnvironmentRepo

DIGITS = 12


def sources_id(repo: EnvironmentRepo, app: str, environment: str) -> str:
    """Of the app's folder without those of other environments, and of its part of towpath.yaml. 64 digits.

    The release is not part of it: who compares ids compares releases, too. What is rendered from elsewhere
    (`vendor/`) is not either: who proves something compares what is rendered, too.
    """
    part = repo.config.app(app).model_dump_json(exclude_defaults=True)
    return hashlib.sha256(f"{_digest(repo, app, environment)}\0{part}".encode()).hexdigest()


def sources_mark(repo: EnvironmentRepo, app: str, environment: str) -> str:
    """Of the app's folder alone, and short: tells in a table whether there is news; it proves nothing."""
    return _digest(repo, app, environment)[:DIGITS]


def _digest(repo: EnvironmentRepo, app: str, environment: str) -> str:
    others = {each.name for each in repo.config.environments} - {environment}
    digest = hashlib.sha256()
    for path, blob in _files_by_app(repo.checkout).get(app, {}).items():
        top = PurePosixPath(path).parts[0]
        if top not in others and path not in (f"{environment}/release.yaml", "quarantine.yaml"):
            digest.update(f"\0{path}\0{blob}".encode())
    return digest.hexdigest()


def newest_commit(repo: EnvironmentRepo, app: str, environment: str) -> CommitInfo | None:
    """The newest commit that touches the app's folder, but not only another environment's."""
    found = change_log(repo, app, environment, 1)
    return found[0] if found else None


def change_log(
    repo: EnvironmentRepo, app: str, environment: str, limit: int, *, at: str | None = None
) -> list[CommitInfo]:
    """The newest such commits, newest first, of the history of the commit `at`; null: the repository's."""
    checkout = repo.checkout if at is None else replace(repo.checkout, commit=at)
    others = {each.name for each in repo.config.environments} - {environment}
    # Paths are literal here: none can be taken out, so those that count are named.
    tops = {path.partition("/")[0] for path in _files_by_app(checkout).get(app, {})} - others
    return log(checkout, [f"apps/{app}/{name}" for name in sorted(tops | {"base", environment})], limit)


@lru_cache(maxsize=4)
def _files_by_app(checkout: Checkout) -> Mapping[str, Mapping[str, str]]:
    """App -> path below its folder -> blob id, in the order of paths."""
    found: dict[str, dict[str, str]] = {}
    for path, blob in list_files(checkout, "apps"):
        _, app, *rest = path.split("/")
        if rest:
            found.setdefault(app, {})["/".join(rest)] = blob
    return found
