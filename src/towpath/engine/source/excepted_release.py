"""A release that has no evidence, and that an owner's exception in Git lets in all the same."""

from datetime import UTC, datetime

from towpath.engine.source.release_proof import prove
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.files import read_text
from towpath.gates.evidence_exception import VerifiedException, exception_paths, verify_exception
from towpath.release.model import Release


def proven_or_excepted(repo: EnvironmentRepo, trusted: TrustedKeys, app: str, release: str) -> Release:
    """The release of that id, by its evidence or else by an exception. EvidenceError without either."""
    try:
        return prove(trusted, repo.config.app(app), release).release
    except EvidenceError as error:
        return require_exception(repo, trusted, app, release, error).statement.release


def require_exception(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, release: str, missing: EvidenceError
) -> VerifiedException:
    """The exception for a release whose evidence does not hold; `missing` says why, and is raised without it.

    Where there is one that does not hold either, the EvidenceError says both.
    """
    path, signature_path = exception_paths(app, release)
    content = read_text(repo.root, path)
    if content is None:
        raise missing
    signature = read_text(repo.root, signature_path) or ""
    try:
        return verify_exception(
            content.encode(), signature, trusted, datetime.now(UTC), app=app, release=release
        )
    except EvidenceError as error:
        raise type(error)(
            f"{missing.message}; and its exception does not count: {error.message}", remedy=error.remedy
        ) from missing


def exception_or_why(
    repo: EnvironmentRepo, trusted: TrustedKeys, release: Release, error: TowpathError
) -> VerifiedException | str:
    """The exception of a release whose proof has ended with `error`, or why neither holds."""
    if not isinstance(error, EvidenceError):
        return error.message
    try:
        return require_exception(repo, trusted, release.app, release.id, error)
    except EvidenceError as problem:
        return problem.message
