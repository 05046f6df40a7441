"""What an owner signs so that a release without evidence may enter, and how it gets into Git."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
from towpath.adapters.git import commit_files
from towpath.cli.ui.names import Environments
from towpath.engine.operate.app_releases import app_releases
from towpath.engine.source.keys import load_trusted_keys
from towpath.errors import RefusedError, UnknownNameError
from towpath.evidence.trusted_keys import POLICY
from towpath.files import resolve_inside
from towpath.gates.evidence_exception import exception_paths, verify_exception
from towpath.orchestration.server import whoami
from towpath.release.commit_message import format_message, intent_marker
from towpath.release.model import Release
from towpath.settings import GIT_TIMEOUT

KNOWN = 1000
"""Releases of the app that are looked through, the newest first."""


def release_of(environments: Environments, app: str, text: str) -> Release:
    """The one release of the app, in Git or in the registry's records, whose id begins with the text."""
    begin = f"sha256:{text.removeprefix('sha256:')}"
    known = [each.release for each in app_releases(environments, None, app, None, KNOWN).releases]
    found = {each.id: each for each in known if each.images and each.id.startswith(begin)}
    if not found:
        raise UnknownNameError("release", text, [each.id for each in known], where=f"app {app}")
    if len(found) > 1:
        raise RefusedError(
            f"{text} is the begin of {len(found)} releases of {app}: {', '.join(sorted(found))}",
            remedy="Give more of its digits.",
        )
    return next(iter(found.values()))


def signed_exception(content: bytes, release: Release, key: Path, trusted: Path | None) -> dict[str, str]:
    """Path -> text of the statement and its signature. EvidenceError when it would not count here.

    Without trusted keys on this machine nobody can tell whether the key is an owner's.
    """
    signature = sign_with_ssh(content, key, POLICY)
    if trusted is not None:
        now, keys = datetime.now(UTC), load_trusted_keys(trusted)
        verify_exception(content, signature, keys, now, app=release.app, release=release.id)
    path, signature_path = exception_paths(release.app, release.id)
    return {path: content.decode(), signature_path: signature}


def write_exception(files: Mapping[str, str], folder: Path) -> None:
    """Into a clone, for its owner to commit."""
    for path, text in files.items():
        file = resolve_inside(folder, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def commit_exception(environments: Environments, files: Mapping[str, str], release: Release) -> str:
    """One commit to the environment repository; its SHA."""
    settings = environments.settings
    marker = intent_marker("exception", release.app, "", release.id, uuid.uuid4().hex)
    message = format_message(f"Except {release.app} {release.short_id} from evidence", "", [marker])
    return commit_files(
        settings.environments_url(),
        settings.branch,
        environments.checkout.commit,
        lambda _: dict(files),
        message,
        author=whoami(),
        cache=settings.cache,
        marker=marker,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )
