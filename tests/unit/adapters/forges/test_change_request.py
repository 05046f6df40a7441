"""Which pull or merge request a CI job is about, by the variables of GitHub, GitLab, Gitea and others."""

import json
from pathlib import Path

import pytest

from towpath.adapters.forges.change_request import ChangeRequest, find_change_request
from towpath.errors import MissingPartError, RefusedError, TowpathError
from towpath.redact import redact

HEAD, MERGE = "a" * 40, "b" * 40
TOKEN = "a-token-of-the-tests-1"


@pytest.fixture
def event(tmp_path: Path) -> str:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    return str(path)


def github(event: str, **more: str) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_REPOSITORY": "acme/environments",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": MERGE,
        "GITHUB_EVENT_PATH": event,
        "GITHUB_RUN_ID": "12",
        "GITHUB_TOKEN": TOKEN,
        **more,
    }


def gitlab(**more: str) -> dict[str, str]:
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
        "CI_PROJECT_PATH": "acme/team/environments",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": HEAD,
        "GITLAB_TOKEN": TOKEN,
        **more,
    }


def own(**more: str) -> dict[str, str]:
    return {
        "TOWPATH_FORGE": "gitea",
        "TOWPATH_FORGE_API": "https://git.example.com/api/v1",
        "TOWPATH_FORGE_REPOSITORY": "acme/environments",
        "TOWPATH_FORGE_NUMBER": "7",
        "TOWPATH_FORGE_COMMIT": HEAD,
        "TOWPATH_FORGE_TOKEN": TOKEN,
        **more,
    }


def told(request: ChangeRequest) -> tuple[str, str, str, int, str]:
    return request.kind, request.api, request.repository, request.number, request.commit


def test_github_names_the_head_and_not_the_merge_that_it_tries(event: str) -> None:
    found = find_change_request(github(event))
    assert told(found) == ("github", "https://api.github.com", "acme/environments", 7, HEAD)
    assert found.page == "https://github.com/acme/environments/actions/runs/12"
    assert str(found) == "acme/environments#7 at api.github.com"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pull_request": 1}', '{"pull_request": {"number": 7}}'])
def test_without_a_readable_event_the_ref_and_the_tried_merge_are_taken(tmp_path: Path, content: str) -> None:
    (tmp_path / "event").write_text(content)
    found = find_change_request(github(str(tmp_path / "event")))
    assert (found.number, found.commit) == (7, MERGE)


def test_gitea_actions_are_known_by_their_own_variable(event: str) -> None:
    found = find_change_request(
        github(event, GITEA_ACTIONS="true", GITHUB_API_URL="https://git.example.com/api/v1")
    )
    assert told(found)[:2] == ("gitea", "https://git.example.com/api/v1")
    without = github(event, GITEA_ACTIONS="true", GITHUB_SERVER_URL="https://git.example.com/")
    del without["GITHUB_API_URL"]
    assert find_change_request(without).api == "https://git.example.com/api/v1"


def test_gitlab() -> None:
    found = find_change_request(gitlab(CI_JOB_URL="https://gitlab.example.com/j/1"))
    assert told(found)[1:] == ("https://gitlab.example.com/api/v4", "acme/team/environments", 7, HEAD)
    assert str(found) == "acme/team/environments!7 at gitlab.example.com"
    merged = find_change_request(gitlab(CI_COMMIT_SHA=MERGE, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD))
    assert merged.commit == HEAD


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_what_is_said_by_hand_goes_before_the_ci_system(event: str, kind: str) -> None:
    found = find_change_request({**github(event), **own(TOWPATH_FORGE=kind, TOWPATH_FORGE_NUMBER="9")})
    assert (found.kind, found.number) == (kind, 9)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "this is no CI job of GitHub Actions, GitLab CI or Gitea Actions"),
        ({"CI": "true"}, "this is no CI job"),
        (own(TOWPATH_FORGE="bitbucket"), "TOWPATH_FORGE is 'bitbucket'"),
        (own(TOWPATH_FORGE_TOKEN=""), "TOWPATH_FORGE_TOKEN is not set"),
        (own(TOWPATH_FORGE_NUMBER="seven"), "'seven' is no number"),
        (own(TOWPATH_FORGE_NUMBER=""), "TOWPATH_FORGE_NUMBER is not set"),
        (own(TOWPATH_FORGE_COMMIT="main"), "'main' is no whole commit id"),
        (own(TOWPATH_FORGE_REPOSITORY="acme/../../admin"), "is no repository of a forge"),
        (own(TOWPATH_FORGE_REPOSITORY="acme/x?y=1"), "is no repository of a forge"),
        (own(TOWPATH_FORGE_API="ftp://git.example.com"), "is no address of an API"),
        (own(TOWPATH_FORGE_API="https://user:word@git.example.com"), "is no address of an API"),
        (own(TOWPATH_FORGE_API="https://git.example.com:port"), "is no address of an API"),
        (own(TOWPATH_FORGE_TOKEN="two words"), "is no token"),
        (own(TOWPATH_FORGE_TOKEN="line\r\nX-Header: 1"), "is no token"),
        (gitlab(CI_MERGE_REQUEST_IID=""), "CI_MERGE_REQUEST_IID is not set"),
        (gitlab(GITLAB_TOKEN=""), "no token to post with: GITLAB_TOKEN is not set"),
        (github("", GITHUB_REF="refs/heads/main"), "refs/heads/main, which is no pull request"),
        (github("", GITHUB_TOKEN=""), "GITHUB_TOKEN or GH_TOKEN is not set"),
    ],
)
def test_what_is_missing_or_wrong_is_told_with_what_to_do(environ: dict[str, str], said: str) -> None:
    with pytest.raises(MissingPartError) as caught:
        find_change_request(environ)
    assert said in caught.value.message


def test_a_token_is_not_sent_in_the_open() -> None:
    with pytest.raises(RefusedError, match="is not https"):
        find_change_request(own(TOWPATH_FORGE_API="http://git.example.com/api/v1"))
    assert find_change_request(own(TOWPATH_FORGE_API="http://127.0.0.1:3000/api/v1")).number == 7


def test_the_token_shows_nowhere() -> None:
    found = find_change_request(own())
    assert TOKEN not in repr(found) + str(found)
    assert redact(f"a log with {TOKEN}") == "a log with ***"
    with pytest.raises(TowpathError) as caught:
        find_change_request(own(TOWPATH_FORGE_TOKEN=f"{TOKEN} 2"))
    assert TOKEN not in str(caught.value)
