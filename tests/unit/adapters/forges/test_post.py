"""Comments and statuses at forges: kept in place, never another's, with clear errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.adapters.answering import Answer, Answering, answering
from towpath.adapters.forges.change_request import ChangeRequest, ForgeKind
from towpath.adapters.forges.post import MAX_DESCRIPTION, PER_PAGE, Poster
from towpath.errors import MissingPartError, RefusedError, TowpathError, TransientError
from towpath.redact import remember_secret

TOKEN = "a-token-of-the-tests-2"
MARKER = "<!-- towpath diff -->"
ME = {"id": 1, "type": "User"}
REQUEST = ChangeRequest("github", "", "acme/environments", 7, "a" * 40, TOKEN, "https://ci.example.com/1")


def body(data: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data).encode())


def note(number: int, text: str = f"{MARKER}\nold", **user: Any) -> dict[str, Any]:
    return {"id": number, "body": text, "user": {**ME, **user}, "author": {**ME, **user}}


@contextmanager
def forge(*answers: Answer, kind: ForgeKind = "github", base: str = "") -> Iterator[tuple[Poster, Answering]]:
    remember_secret(TOKEN)
    with answering(answers) as server:
        yield Poster(replace(REQUEST, kind=kind, api=f"{server.url}{base}")), server


def test_the_first_comment_is_new_and_begins_with_its_marker() -> None:
    with forge(body(ME), body([note(3, "another comment")]), body({}, 201)) as (poster, server):
        assert poster.comment(MARKER, "text")
    assert server.asked[2] == "POST /repos/acme/environments/issues/7/comments"
    assert json.loads(server.requests[2].body) == {"body": f"{MARKER}\ntext"}


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("github", "PATCH /repos/acme/environments/issues/comments/5"),
        ("gitea", "PATCH /repos/acme/environments/issues/comments/5"),
        ("gitlab", "PUT /projects/acme%2Fenvironments/merge_requests/7/notes/5"),
    ],
)
def test_the_comment_is_changed_in_its_place(kind: ForgeKind, asked: str) -> None:
    pages = [body([note(3, "hello"), note(5)])]
    with forge(body(ME), *pages, *(pages if kind == "gitea" else ()), body({}), kind=kind) as (
        poster,
        server,
    ):
        assert not poster.comment(MARKER, "new")
    assert server.asked[-1] == asked
    header = "PRIVATE-TOKEN" if kind == "gitlab" else "Authorization"
    assert TOKEN in server.requests[-1].headers[header]


@pytest.mark.parametrize(
    "other",
    [
        note(5, id=2),
        note(5, "text first\n" + MARKER),
        note(5, f"{MARKER[:-4]} prod -->\nof another comparison"),
        {"id": 5, "body": f"{MARKER}\nold"},
        {"id": "5", "body": f"{MARKER}\nold", "user": ME},
    ],
)
def test_what_is_not_ours_stays(other: dict[str, Any]) -> None:
    with forge(body(ME), body([other]), body({}, 201)) as (poster, server):
        assert poster.comment(MARKER, "new")
    assert server.asked[-1].startswith("POST ")


@pytest.mark.parametrize(("kind", "new"), [("Bot", False), ("User", True)])
def test_a_job_s_token_without_a_user_changes_comments_of_apps_only(kind: str, new: bool) -> None:
    answers = (body({"message": "not for integrations"}, 403), body([note(5, type=kind)]), body({}))
    with forge(*answers) as (poster, _):
        assert poster.comment(MARKER, "new") is new


def test_a_comment_on_a_later_page_is_found() -> None:
    first = [note(number, "hello") for number in range(PER_PAGE)]
    with forge(body(ME), body(first), body([note(99)]), body({})) as (poster, server):
        assert not poster.comment(MARKER, "new")
    assert "page=2" in server.asked[2]
    assert server.asked[3].endswith("/99")


def test_a_comment_that_may_not_be_changed_is_left_and_a_new_one_made() -> None:
    with forge(body(ME), body([note(5)]), body({}, 403), body({}, 201)) as (poster, _):
        assert poster.comment(MARKER, "new")


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("github", "/repos/acme/environments/statuses/", {"state": "failure", "context": "towpath diff"}),
        ("gitea", "/repos/acme/environments/statuses/", {"state": "failure", "context": "towpath diff"}),
        ("gitlab", "/projects/acme%2Fenvironments/statuses/", {"state": "failed", "name": "towpath diff"}),
    ],
)
def test_the_status_of_the_head(kind: ForgeKind, path: str, said: dict[str, str]) -> None:
    with forge(body({}, 201), kind=kind, base="/api/v1/") as (poster, server):
        poster.status("failure", "towpath diff", "x" * 500)
    assert server.asked == [f"POST /api/v1{path}{'a' * 40}"]
    told = json.loads(server.requests[0].body)
    assert said.items() <= told.items()
    assert (len(told["description"]), told["target_url"]) == (MAX_DESCRIPTION, "https://ci.example.com/1")


@pytest.mark.parametrize(
    ("there", "fails"),
    [([{"status": "success"}], False), ([{"status": "failed"}], True), ([], True), ({"message": "x"}, True)],
)
def test_gitlab_need_not_take_a_status_that_is_there_already(there: Any, fails: bool) -> None:
    refused = body({"message": "Cannot transition status"}, 400)
    with forge(refused, body(there), kind="gitlab") as (poster, server):
        if fails:
            with pytest.raises(RefusedError):
                poster.status("success", "towpath diff", "d")
        else:
            poster.status("success", "towpath diff", "d")
    assert server.asked[1].endswith("/statuses?name=towpath+diff")


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (body({"message": "Bad credentials"}, 401), MissingPartError, "401"),
        (body({"message": "no right"}, 403), MissingPartError, "no right"),
        (body({}, 404), MissingPartError, "404"),
        (body({"message": "too long"}, 422), RefusedError, "too long"),
        (body({}, 429), TransientError, "429"),
        (body({}, 502), TransientError, "502"),
        (Answer(302, headers={"Location": "https://evil.example.com/"}), RefusedError, "302"),
        (Answer(200, b"<html>"), TransientError, "is no JSON"),
        (Answer(200, b"[" * 100_000), TransientError, "is no JSON"),
        (Answer(200, b"{}", length=100), TransientError, "cannot be asked"),
    ],
)
def test_errors_say_what_happened_and_never_the_token(answer: Answer, error: type, said: str) -> None:
    with forge(answer) as (poster, server), pytest.raises(error) as caught:
        poster.status("success", "towpath diff", "all well")
    assert said in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(server.requests) == 1


def test_an_answer_that_repeats_the_token_is_masked() -> None:
    answer = Answer(422, f"token {TOKEN} is odd".encode())
    with forge(answer) as (poster, _), pytest.raises(RefusedError) as caught:
        poster.status("success", "c", "d")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("listed", [{"message": "x"}, "text", None])
def test_a_list_that_is_none_is_an_error_and_posts_nothing(listed: Any) -> None:
    with forge(body(ME), body(listed)) as (poster, server), pytest.raises(TowpathError):
        poster.comment(MARKER, "text")
    assert all(each.startswith("GET ") for each in server.asked)


def test_a_forge_that_is_away_is_told() -> None:
    with answering([Answer()]) as server:
        url = server.url
    with pytest.raises(TransientError, match="cannot be asked"):
        Poster(replace(REQUEST, api=url)).status("success", "c", "d")
