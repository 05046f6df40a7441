"""What an app is made of in an environment, as one id: equal ids mean that no commit changed it meanwhile."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from towpath.adapters.git import Checkout, CommitInfo, list_files, log
from towpath.engine.source.repository import EnvironmentRepo

DIGITS = 12


def sources_id(repo: EnvironmentRepo, app: str, environment: str) -> str:
    """Of the app's folder, without those of other environments.

    The release is not part of it: who compares ids compares releases, too.
    """
    others = {each.name for each in repo.config.environments} - {environment}
    digest = hashlib.sha256()
    for path, blob in _files_by_app(repo.checkout).get(app, {}).items():
        top = PurePosixPath(path).parts[0]
        if top not in others and path not in (f"{environment}/release.yaml", "quarantine.yaml"):
            digest.update(f"\0{path}\0{blob}".encode())
    return digest.hexdigest()[:DIGITS]


def newest_commit(repo: EnvironmentRepo, app: str, environment: str) -> CommitInfo | None:
    """The newest commit that touches the app's folder, but not only another environment's."""
    names = [each.name for each in repo.config.environments if each.name != environment]
    found = log(repo.checkout, [f"apps/{app}", *(f":(exclude)apps/{app}/{name}" for name in names)], 1)
    return found[0] if found else None


@lru_cache(maxsize=4)
def _files_by_app(checkout: Checkout) -> Mapping[str, Mapping[str, str]]:
    """App -> path below its folder -> blob id, in the order of paths."""
    found: dict[str, dict[str, str]] = {}
    for path, blob in list_files(checkout, "apps"):
        _, app, *rest = path.split("/")
        if rest:
            found.setdefault(app, {})["/".join(rest)] = blob
    return found
