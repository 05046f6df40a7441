"""Posts to a pull or merge request: one comment, found again by its first line, and a commit status."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode

from towpath.adapters.forges.change_request import ChangeRequest, ForgeKind
from towpath.adapters.http import HttpClient, HttpError, read_body
from towpath.errors import MissingPartError, RefusedError, TowpathError, TransientError
from towpath.redact import redact

TIMEOUT = (10.0, 30.0)
MAX_ANSWER = 32 * 1024 * 1024
MAX_PAGES = 50
PER_PAGE = 50
MAX_DESCRIPTION = 140
State = Literal["success", "failure"]
_GONE = 404


@dataclass(frozen=True, slots=True)
class _Api:
    """Where a kind of forge has what, below the address of its API."""

    comments: Callable[[ChangeRequest], str]
    comment: Callable[[ChangeRequest, int], str]
    change: Literal["PATCH", "PUT"]
    statuses: Callable[[ChangeRequest], str]
    status: Callable[[State, str, str], dict[str, str]]
    headers: Callable[[str], Mapping[str, str]]


def _hub(request: ChangeRequest) -> str:
    return f"/repos/{request.repository}"


def _lab(request: ChangeRequest) -> str:
    return f"/projects/{quote(request.repository, safe='')}"


def _hub_status(state: State, context: str, description: str) -> dict[str, str]:
    return {"state": state, "context": context, "description": description}


def _lab_status(state: State, context: str, description: str) -> dict[str, str]:
    return {"state": "failed" if state == "failure" else state, "name": context, "description": description}


_HUB = _Api(
    comments=lambda request: f"{_hub(request)}/issues/{request.number}/comments",
    comment=lambda request, number: f"{_hub(request)}/issues/comments/{number}",
    change="PATCH",
    statuses=lambda request: f"{_hub(request)}/statuses/{request.commit}",
    status=_hub_status,
    headers=lambda token: {"Authorization": f"token {token}"},
)
_LAB = _Api(
    comments=lambda request: f"{_lab(request)}/merge_requests/{request.number}/notes",
    comment=lambda request, number: f"{_lab(request)}/merge_requests/{request.number}/notes/{number}",
    change="PUT",
    statuses=lambda request: f"{_lab(request)}/statuses/{request.commit}",
    status=_lab_status,
    headers=lambda token: {"PRIVATE-TOKEN": token},
)
_APIS: Mapping[ForgeKind, _Api] = {"github": _HUB, "gitea": _HUB, "gitlab": _LAB}


class Poster:
    """Posts to one request. Redirects are not followed: the token goes to the address that was named."""

    def __init__(self, request: ChangeRequest, client: HttpClient | None = None) -> None:
        self._request, self._client = request, client or HttpClient()
        self._api = _APIS[request.kind]

    def comment(self, marker: str, text: str) -> bool:
        """Put `text` into the comment that begins with `marker`; whether that is a new one.

        A comment with the marker that may not be changed is somebody else's, and is left as it is.
        """
        body = {"body": f"{marker}\n{text}"}
        for number in list(self._marked(marker)):
            try:
                self._ask(self._api.change, self._api.comment(self._request, number), body)
            except (RefusedError, MissingPartError):
                continue
            return False
        self._ask("POST", self._api.comments(self._request), body)
        return True

    def status(self, state: State, context: str, description: str) -> None:
        """Set the status of the request's head under the name `context`."""
        cut = description if len(description) <= MAX_DESCRIPTION else f"{description[: MAX_DESCRIPTION - 1]}…"
        body = self._api.status(state, context, cut)
        if self._request.page.startswith(("https://", "http://")):
            body["target_url"] = self._request.page
        try:
            self._ask("POST", self._api.statuses(self._request), body)
        except RefusedError:
            # GitLab takes no status again that has ended so already, as when a job is repeated.
            if self._request.kind != "gitlab" or self._ended(context) != body["state"]:
                raise

    def _ended(self, context: str) -> str:
        """GitLab's newest status of that name; empty for none."""
        path = f"{_lab(self._request)}/repository/commits/{self._request.commit}/statuses"
        found = self._ask("GET", f"{path}?{urlencode({'name': context})}")
        newest = found[0] if isinstance(found, list) and found else None
        return str(newest.get("status", "")) if isinstance(newest, dict) else ""

    def _marked(self, marker: str) -> Iterator[int]:
        """The numbers of our own comments that begin with the marker, oldest first."""
        seen: set[int] = set()
        me = self._whoami()
        for page in range(1, MAX_PAGES + 1):
            sizes: dict[str, Any] = {"page": page, "per_page": PER_PAGE, "limit": PER_PAGE}
            if self._request.kind == "gitlab":
                sizes |= {"sort": "asc", "order_by": "created_at"}
            found = self._ask("GET", f"{self._api.comments(self._request)}?{urlencode(sizes)}")
            if not isinstance(found, list):
                raise TransientError(f"{self._request}: the forge lists no comments")
            new = [each for each in found if isinstance(each, dict) and each.get("id") not in seen]
            for each in new:
                number = each.get("id")
                if isinstance(number, int):
                    seen.add(number)
                    if str(each.get("body") or "").startswith(f"{marker}\n") and _is_by(each, me):
                        yield number
            # Gitea lists all of them on each page.
            if not new or (len(found) < PER_PAGE and self._request.kind != "gitea"):
                return

    def _whoami(self) -> int | None:
        """The token's user; None where it has none: that of a job at GitHub is an app's."""
        try:
            user = self._ask("GET", "/user")
        except (MissingPartError, RefusedError):
            return None
        number = user.get("id") if isinstance(user, dict) else None
        return number if isinstance(number, int) else None

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        headers = {
            **self._api.headers(self._request.token),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        content = None if body is None else json.dumps(body).encode()
        url = f"{self._request.api.rstrip('/')}{path}"
        try:
            answer = self._client.send(method, url, headers=headers, body=content, timeout=TIMEOUT)
            data = read_body(answer, MAX_ANSWER)
        except HttpError as error:
            raise TransientError(f"{self._request} cannot be asked: {redact(str(error))}") from error
        if data is None:
            raise RefusedError(f"{self._request}: the forge's answer has more than {MAX_ANSWER} bytes")
        if not 200 <= answer.status < 300:
            raise _refused(self._request, method, answer.status, data)
        try:
            return json.loads(data or b"null")
        except (ValueError, RecursionError):
            raise TransientError(f"{self._request}: the forge's answer is no JSON") from None


def _is_by(comment: Mapping[str, Any], user: int | None) -> bool:
    """Whether the token's user wrote it: what is put into another's comment, he could change afterwards."""
    author = comment.get("user") or comment.get("author")
    if not isinstance(author, dict):
        return False
    return author.get("type") == "Bot" if user is None else author.get("id") == user


def _refused(request: ChangeRequest, method: str, status: int, data: bytes) -> TowpathError:
    said = redact(data[:300].decode(errors="replace")).strip()
    what = f"{request}: the forge answered {method} with {status}: {said}"
    if status in (408, 429) or status >= 500:
        return TransientError(what)
    if status in (401, 403, _GONE):
        return MissingPartError(
            what,
            remedy="The token must be allowed to write comments and commit statuses of this repository"
            " (GitHub Actions: `permissions: {pull-requests: write, statuses: write}`; GitLab: scope `api`).",
        )
    return RefusedError(what)
