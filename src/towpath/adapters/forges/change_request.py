"""Which pull or merge request a CI job is about, and at which forge: by the CI system's variables.

TOWPATH_FORGE and its kind go before all of them, for CI systems that set none (Jenkins, Drone, Woodpecker).
The token comes from the environment only; it shows nowhere.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from towpath.errors import MissingPartError, RefusedError
from towpath.redact import remember_secret

ForgeKind = Literal["github", "gitlab", "gitea"]
KINDS = get_args(ForgeKind)
MAX_EVENT = 16 * 1024 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PULL_REF = re.compile(r"refs/pull/([0-9]{1,12})/(?:merge|head)")
Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """`api` is the address of the forge's API, `number` that of the request, `commit` its head."""

    kind: ForgeKind
    api: str
    repository: str
    number: int
    commit: str
    token: str = field(repr=False)
    page: str = ""
    """Address of the CI job, for the status to lead to."""

    def __str__(self) -> str:
        sign = "!" if self.kind == "gitlab" else "#"
        return f"{self.repository}{sign}{self.number} at {urlsplit(self.api).hostname}"


def find_change_request(environ: Environ) -> ChangeRequest:
    """The request of this CI job. MissingPartError when there is none, or no token; RefusedError for http."""
    for present, read in _SYSTEMS:
        if present(environ):
            found = read(environ)
            break
    else:
        raise MissingPartError(
            "this is no CI job of GitHub Actions, GitLab CI or Gitea Actions",
            remedy="Elsewhere, set TOWPATH_FORGE (github, gitlab or gitea), TOWPATH_FORGE_API,"
            " TOWPATH_FORGE_REPOSITORY, TOWPATH_FORGE_NUMBER, TOWPATH_FORGE_COMMIT and TOWPATH_FORGE_TOKEN.",
        )
    _check(found)
    return found


def _own(environ: Environ) -> ChangeRequest:
    kind = environ["TOWPATH_FORGE"]
    if kind not in KINDS:
        raise MissingPartError(f"TOWPATH_FORGE is {kind[:40]!r}", remedy=f"Set it to {', '.join(KINDS)}.")
    api, repository, number, commit = (
        _needed(environ, f"TOWPATH_FORGE_{name}") for name in ("API", "REPOSITORY", "NUMBER", "COMMIT")
    )
    token = _token(environ, "TOWPATH_FORGE_TOKEN")
    page = environ.get("TOWPATH_FORGE_PAGE", "")
    return ChangeRequest(kind, api, repository, _number(number), commit, token, page)  # type: ignore[arg-type]


def _actions(environ: Environ) -> ChangeRequest:
    """GitHub Actions, and Gitea Actions, which sets the same variables."""
    kind: ForgeKind = "gitea" if environ.get("GITEA_ACTIONS") == "true" else "github"
    server = environ.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    api = environ.get("GITHUB_API_URL") or (
        f"{server}/api/v1" if kind == "gitea" else "https://api.github.com"
    )
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    pull = event.get("pull_request") if isinstance(event.get("pull_request"), dict) else None
    ref = _PULL_REF.fullmatch(environ.get("GITHUB_REF", ""))
    number = str((pull or {}).get("number") or (ref[1] if ref else ""))
    if not number:
        raise MissingPartError(
            f"this job is about {environ.get('GITHUB_REF') or 'no ref'}, which is no pull request",
            remedy="Run it on the event `pull_request`.",
        )
    head = (pull or {}).get("head")
    # GITHUB_SHA is a merge that the forge tries, and no commit of the pull request.
    commit = str(head.get("sha", "")) if isinstance(head, dict) else ""
    repository = _needed(environ, "GITHUB_REPOSITORY")
    tokens = ("GITEA_TOKEN", "GITHUB_TOKEN") if kind == "gitea" else ("GITHUB_TOKEN", "GH_TOKEN")
    run = environ.get("GITHUB_RUN_ID")
    page = f"{server}/{repository}/actions/runs/{run}" if run else ""
    return ChangeRequest(
        kind, api, repository, _number(number), commit or _needed(environ, "GITHUB_SHA"),
        _token(environ, *tokens), page,
    )  # fmt: skip


def _gitlab(environ: Environ) -> ChangeRequest:
    if not environ.get("CI_MERGE_REQUEST_IID"):
        raise MissingPartError(
            "this job is about no merge request: CI_MERGE_REQUEST_IID is not set",
            remedy='Let it run with `rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]`.',
        )
    return ChangeRequest(
        "gitlab",
        _needed(environ, "CI_API_V4_URL"),
        _needed(environ, "CI_PROJECT_PATH"),
        _number(environ["CI_MERGE_REQUEST_IID"]),
        environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or _needed(environ, "CI_COMMIT_SHA"),
        _token(environ, "GITLAB_TOKEN"),
        environ.get("CI_JOB_URL", ""),
    )


_SYSTEMS: tuple[tuple[Callable[[Environ], bool], Callable[[Environ], ChangeRequest]], ...] = (
    (lambda environ: bool(environ.get("TOWPATH_FORGE")), _own),
    (lambda environ: environ.get("GITLAB_CI") == "true", _gitlab),
    (lambda environ: "true" in (environ.get("GITEA_ACTIONS"), environ.get("GITHUB_ACTIONS")), _actions),
)


def _event(path: str) -> dict[str, Any]:
    """What started the job, as the CI system wrote it down; nothing where that cannot be read."""
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_EVENT + 1)
        event = json.loads(content) if len(content) <= MAX_EVENT else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _needed(environ: Environ, name: str) -> str:
    if value := environ.get(name, "").strip():
        return value
    raise MissingPartError(f"{name} is not set, so nothing can be posted", remedy=f"Set {name} for this job.")


def _token(environ: Environ, *names: str) -> str:
    for name in names:
        if value := environ.get(name, "").strip():
            remember_secret(value)
            if any(not "!" <= char <= "~" for char in value):
                raise MissingPartError(f"{name} is no token: it has a space, or a character beyond ASCII")
            return value
    raise MissingPartError(
        f"no token to post with: {' or '.join(names)} is not set",
        remedy="Hand the job a token that may write comments and commit statuses; it is read from the"
        " environment only.",
    )


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise MissingPartError(f"{text[:40]!r} is no number of a pull or merge request")
    return int(text)


def _check(request: ChangeRequest) -> None:
    try:
        parts = urlsplit(request.api)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise MissingPartError(f"{request.api[:200]!r} is no address of an API") from None
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.query or parts.fragment:
        raise MissingPartError(f"{request.api[:200]!r} is no address of an API")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise RefusedError(
            f"{request.api} is not https, and the token would be sent in the open",
            remedy="Name the forge's API by its https address.",
        )
    if not _REPOSITORY.fullmatch(request.repository) or ".." in request.repository.split("/"):
        raise MissingPartError(f"{request.repository[:100]!r} is no repository of a forge")
    if not _COMMIT.fullmatch(request.commit):
        raise MissingPartError(f"{request.commit[:80]!r} is no whole commit id")
