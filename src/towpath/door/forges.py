"""What the forges send: who signed a webhook, and which branch or tag is at which commit now. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from towpath.door.door_file import ForgeName
from towpath.door.rules import RequestError, commit_id, malformed, ref_name
from towpath.door.signatures import is_fresh, is_token, signs_gitea, signs_github, signs_gitlab

Headers = Mapping[str, str]
"""Names are lower-case."""


@dataclass(frozen=True, slots=True)
class Push:
    """A branch or tag of a repository that is at `commit` now. None: it was deleted."""

    repository: str
    ref: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Forge:
    """How a forge signs, and how it writes a push. `read` answers None for an event that is no push."""

    repository: Callable[[Any], str]
    is_signed: Callable[[tuple[bytes, ...], Headers, bytes, float], bool]
    read: Callable[[Headers, Any], Push | None]


def parse_object(body: bytes, *, content_type: str = "application/json") -> dict[str, Any]:
    """The JSON object of a body; RequestError for anything else."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RequestError(415, "content-type", "the body must be JSON (Content-Type: application/json)")
    try:
        content = json.loads(body.decode("utf-8"), parse_constant=lambda _: None)
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair cannot be answered
    except (ValueError, RecursionError) as error:
        raise malformed("the body is no JSON, or nested too deeply") from error
    if not isinstance(content, dict):
        raise malformed("the body must be a JSON object")
    return content


def _github_signed(secrets: tuple[bytes, ...], headers: Headers, body: bytes, _now: float) -> bool:
    return signs_github(secrets, body, headers.get("x-hub-signature-256", ""))


def _gitea_signed(secrets: tuple[bytes, ...], headers: Headers, body: bytes, _now: float) -> bool:
    return signs_gitea(secrets, body, headers.get("x-gitea-signature", ""))


def _gitlab_signed(secrets: tuple[bytes, ...], headers: Headers, body: bytes, now: float) -> bool:
    """By its signing token where the webhook has one, else by its secret token."""
    if signature := headers.get("webhook-signature"):
        identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        return signs_gitlab(secrets, identity, timestamp, body, signature) and is_fresh(timestamp, now)
    return is_token(secrets, headers.get("x-gitlab-token", ""))


def _full_name(content: Any) -> str:
    """GitHub's and Gitea's name of a repository."""
    return _text(_mapping(content, "repository").get("full_name"), "repository.full_name")


def _project(content: Any) -> str:
    return _text(_mapping(content, "project").get("path_with_namespace"), "project.path_with_namespace")


def _read_push(event: str) -> Callable[[Headers, Any], Push | None]:
    def read(headers: Headers, content: Any) -> Push | None:
        if headers.get(event, "") != "push":
            return None
        ref = ref_name(content.get("ref"))
        after = content.get("after")
        if content.get("deleted") is True or _is_zero(after):
            return Push(_full_name(content), ref, None)
        # `after` of an annotated tag is the tag's own id; what it points to is the head commit.
        head = content.get("head_commit")
        head_id = head.get("id") if isinstance(head, dict) else None
        return Push(
            _full_name(content),
            ref,
            commit_id(head_id if head_id and ref.startswith("refs/tags/") else after),
        )

    return read


def _read_gitlab(headers: Headers, content: Any) -> Push | None:
    kind = content.get("object_kind")
    if headers.get("x-gitlab-event") not in ("Push Hook", "Tag Push Hook") or kind not in (
        "push",
        "tag_push",
    ):
        return None
    ref = ref_name(content.get("ref"))
    commit = content.get("checkout_sha")
    if commit is None or _is_zero(content.get("after")):
        return Push(_project(content), ref, None)
    return Push(_project(content), ref, commit_id(commit))


def _mapping(content: Any, key: str) -> Mapping[str, Any]:
    value = content.get(key)
    if not isinstance(value, dict):
        raise malformed(f"`{key}` must be an object")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 500:
        raise malformed(f"`{name}` must be a text")
    return value


def _is_zero(commit: object) -> bool:
    return isinstance(commit, str) and bool(commit) and set(commit) == {"0"}


FORGES: Mapping[ForgeName, Forge] = {
    "github": Forge(_full_name, _github_signed, _read_push("x-github-event")),
    "gitlab": Forge(_project, _gitlab_signed, _read_gitlab),
    "gitea": Forge(_full_name, _gitea_signed, _read_push("x-gitea-event")),
}
