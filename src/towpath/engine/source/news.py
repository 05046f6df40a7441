"""What an app is made of in an environment, as one id: equal ids mean that no commit changed it meanwhile."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from towpath.adapters.git import Checkout, CommitInfo, is_ancestor, list_files, list_trees, log
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


def beside_mark(beside: Mapping[str, str]) -> str:
    """The same of the folders beside it that an app was rendered from: `vendor=1a2b3c4d5e6f`, or empty."""
    return " ".join(f"{quote(path)}={tree[:DIGITS]}" for path, tree in sorted(beside.items()))


def unseen_commit(
    repo: EnvironmentRepo, app: str, environment: str, sources: str, beside: str
) -> CommitInfo | None:
    """The newest commit of what an app is made of, where that is not as these two marks tell; else None."""
    paths = _paths(beside)
    now = trees_of(repo.checkout)
    is_seen = beside == beside_mark({path: now.get(path, "") for path in paths})
    if is_seen and sources in ("", sources_mark(repo, app, environment)):
        return None
    return newest_commit(repo, app, environment, paths)


def as_in(repo: EnvironmentRepo, beside: str, commit: str) -> bool:
    """Whether the folders of a mark were at another commit as they are now; false where that is not known."""
    if not (paths := _paths(beside)):
        return True
    if not is_ancestor(repo.checkout, commit):
        return False
    now, then = trees_of(repo.checkout), trees_of(replace(repo.checkout, commit=commit))
    return all(now.get(path) == then.get(path) for path in paths)


def _paths(beside: str) -> list[str]:
    return [unquote(each.partition("=")[0]) for each in beside.split()]


@lru_cache(maxsize=8)
def trees_of(checkout: Checkout) -> Mapping[str, str]:
    """As `list_trees`; a commit never changes."""
    return list_trees(checkout)


def _digest(repo: EnvironmentRepo, app: str, environment: str) -> str:
    others = {each.name for each in repo.config.environments} - {environment}
    digest = hashlib.sha256()
    for path, blob in _files_by_app(repo.checkout).get(app, {}).items():
        top = PurePosixPath(path).parts[0]
        if top not in others and path not in (f"{environment}/release.yaml", "quarantine.yaml"):
            digest.update(f"\0{path}\0{blob}".encode())
    return digest.hexdigest()


def newest_commit(
    repo: EnvironmentRepo, app: str, environment: str, beside: Iterable[str] = ()
) -> CommitInfo | None:
    """The newest commit that touches the app's folder, but not only another environment's, or one beside."""
    found = change_log(repo, app, environment, 1, beside=beside)
    return found[0] if found else None


def change_log(  # noqa: PLR0913
    repo: EnvironmentRepo,
    app: str,
    environment: str,
    limit: int,
    *,
    at: str | None = None,
    beside: Iterable[str] = (),
) -> list[CommitInfo]:
    """The newest such commits, newest first, of the history of the commit `at`; null: the repository's."""
    checkout = repo.checkout if at is None else replace(repo.checkout, commit=at)
    others = {each.name for each in repo.config.environments} - {environment}
    # Paths are literal here: none can be taken out, so those that count are named.
    tops = {path.partition("/")[0] for path in _files_by_app(checkout).get(app, {})} - others
    own = [f"apps/{app}/{name}" for name in sorted(tops | {"base", environment})]
    return log(checkout, [*own, *beside], limit)


@lru_cache(maxsize=4)
def _files_by_app(checkout: Checkout) -> Mapping[str, Mapping[str, str]]:
    """App -> path below its folder -> blob id, in the order of paths."""
    found: dict[str, dict[str, str]] = {}
    for path, blob in list_files(checkout, "apps"):
        _, app, *rest = path.split("/")
        if rest:
            found.setdefault(app, {})["/".join(rest)] = blob
    return found
