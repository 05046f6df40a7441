"""Runs belong to a repository: agents tell theirs, and verbs compare before they start anything."""

import json
from pathlib import Path

import pytest

from tests.unit.adapters.answering import Answer, answering
from towpath.errors import RefusedError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.repository import identity, publish_repository, require_repository
from towpath.orchestration.server import Server

URL = "https://git.example.com/team/environments.git"
TOLD = {"url": URL, "branch": "main", "addresses": ["http://10.0.0.7:3000/team/environments"]}


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))


def answer(content: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())


def told(value: object) -> Answer:
    return answer({"id": "1", "name": "towpath-prod-repository", "value": value})


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://git.example.com/team/environments",
        "https://git.example.com/team/environments/",
        "https://GIT.example.com:443/team/environments.git",
        "https://user:token@git.example.com/team/environments.git",
        "http://git.example.com/team//environments.git",
        "git@git.example.com:team/environments.git",
        "git.example.com:team/environments",
        "ssh://git@git.example.com:2222/team/environments.git",
        "http://10.0.0.7:3000/team/environments.git",
    ],
)
def test_the_same_repository_in_all_its_spellings(url: str) -> None:
    with answering([told(TOLD)]) as server:
        require_repository(PrefectApi(server.url), "prod", url, "main")
    assert server.asked == ["GET /variables/name/towpath-prod-repository"]


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/team/environments2",
        "https://git.example.com/other/environments.git",
        "https://git.example.com:8443/team/environments.git",
        "https://example.com/team/environments.git",
        "git@other.example.com:team/environments.git",
        "file:///team/environments.git",
        "/team/environments",
        "http://10.0.0.7:3001/team/environments",
    ],
)
def test_another_repository_is_told_before_anything_starts(url: str) -> None:
    with answering([told(TOLD)]) as server, pytest.raises(RefusedError) as caught:
        require_repository(PrefectApi(server.url), "prod", url, "main")
    assert f"works on {URL}, and this command on {url}: nothing was started" in caught.value.message
    assert "TOWPATH_ENVIRONMENTS" in str(caught.value.remedy)


def test_another_branch_is_told_too() -> None:
    with answering([told(TOLD)]) as server, pytest.raises(RefusedError, match="follows the branch main"):
        require_repository(PrefectApi(server.url), "prod", URL, "live")


@pytest.mark.parametrize("value", [None, "x", 1, [], {}, {"url": 1}])
def test_what_no_agent_has_told_is_taken(value: object) -> None:
    with answering([told(value)]) as server:
        require_repository(PrefectApi(server.url), "prod", URL, "main")
    with answering([answer({"detail": "none"}, 404)]) as server:
        require_repository(PrefectApi(server.url), None, URL, "main")
    assert server.asked == ["GET /variables/name/towpath-build-repository"]


def test_no_credentials_are_published_or_told() -> None:
    with answering([answer({}, 404), answer({}, 201)]) as server:
        publish_repository(
            PrefectApi(server.url),
            "prod",
            "https://me:secret-1@git.example.com/e.git",
            "main",
            ["ssh://git@h/e"],
        )
    assert server.asked == ["GET /variables/name/towpath-prod-repository", "POST /variables/"]
    assert json.loads(server.requests[1].body)["value"] == {
        "url": "https://git.example.com/e.git",
        "branch": "main",
        "addresses": ["ssh://h/e"],
    }
    with answering([told(TOLD)]) as server, pytest.raises(RefusedError) as caught:
        require_repository(PrefectApi(server.url), "prod", "https://me:secret-1@x.example.com/e", "main")
    assert "secret-1" not in str(caught.value)


def test_what_changed_is_published_and_nothing_else() -> None:
    with answering([told(TOLD)]) as server:
        publish_repository(PrefectApi(server.url), "prod", URL, "main", TOLD["addresses"])
    assert server.asked == ["GET /variables/name/towpath-prod-repository"]
    with answering([told(TOLD), Answer(204)]) as server:
        publish_repository(PrefectApi(server.url), "prod", URL, "live")
    assert server.asked[1] == "PATCH /variables/name/towpath-prod-repository"
    assert json.loads(server.requests[1].body) == {"value": {"url": URL, "branch": "live", "addresses": []}}


def test_a_server_starts_nothing_for_another_repository() -> None:
    answers = [answer({"id": "d"}), told(TOLD)]
    with answering(answers) as server, pytest.raises(RefusedError, match="nothing was started"):
        Server(PrefectApi(server.url), ("/elsewhere", "main")).start("promote/promote-prod", {}, name="x")
    assert server.asked == [
        "GET /deployments/name/promote/promote-prod",
        "GET /variables/name/towpath-prod-repository",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/srv/git/environments.git", "file:///srv/git/environments.git"),
        ("/srv/git/environments", "/srv/git/./x/../environments/"),
        ("http://127.0.0.1:3000/a/b.git", "http://localhost:3000/a/b"),
        ("file:///srv/a%20b.git", "/srv/a b"),
    ],
)
def test_folders_and_loopback(one: str, other: str) -> None:
    assert identity(one) == identity(other)


@pytest.mark.parametrize("url", ["https://h:99999/x", "https://[::1", "", "C:/x", "::"])
def test_odd_urls_do_no_harm(url: str) -> None:
    try:
        assert identity(url) == identity(url)
    except ValueError:
        assert url == "https://[::1"
