"""Requests to the Prefect API, against a real server that answers as a test says."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.unit.adapters.answering import Answer, answering
from towpath.errors import TerminalError, TransientError
from towpath.orchestration import api
from towpath.orchestration.api import API_VERSION, LARGEST, NotFoundError, PrefectApi
from towpath.redact import redact


@pytest.fixture(autouse=True)
def pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """No settings of this machine's Prefect, and no waiting: what would be waited is kept."""
    waited: list[float] = []
    monkeypatch.setattr(api.time, "sleep", waited.append)
    monkeypatch.setattr(api, "JITTER", 0.0)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    for name in ("AUTH_STRING", "KEY", "SSL_CERT_FILE", "TLS_INSECURE_SKIP_VERIFY"):
        monkeypatch.delenv(f"PREFECT_API_{name}", raising=False)
    monkeypatch.delenv("PREFECT_CLIENT_CUSTOM_HEADERS", raising=False)
    yield waited


def answer(content: object, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status, json.dumps(content).encode(), {name.replace("_", "-"): v for name, v in headers.items()}
    )


def test_get_and_post_speak_json_and_name_the_version() -> None:
    with answering([answer({"a": 1}), answer([1, 2])]) as server:
        client = PrefectApi(f"{server.url}/api/")
        assert client.get("/flows/1") == {"a": 1}
        assert client.post("/flows/filter", {"limit": 2}) == [1, 2]
        client.close()
    get, post = server.requests
    assert server.asked == ["GET /api/flows/1", "POST /api/flows/filter"]
    assert get.headers["X-PREFECT-API-VERSION"] == post.headers["X-PREFECT-API-VERSION"] == API_VERSION
    assert "Content-Type" not in get.headers
    assert post.headers["Content-Type"] == "application/json"
    assert json.loads(post.body) == {"limit": 2}


def test_an_answer_without_content_is_none_with_its_status() -> None:
    with answering([Answer(204)]) as server:
        answered = PrefectApi(server.url).request("DELETE", "/x")
    assert (answered.status, answered.content) == (204, None)


def test_nothing_there_is_told_apart_and_not_asked_again() -> None:
    with (
        answering([answer({"detail": "no"}, 404)]) as server,
        pytest.raises(NotFoundError, match="has nothing for GET /flows/1"),
    ):
        PrefectApi(server.url).get("/flows/1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", api.RETRIED)
def test_an_overloaded_server_is_asked_again_and_longer_each_time(pauses: list[float], status: int) -> None:
    with answering([answer({}, status)] * 3 + [answer("there")]) as server:
        assert PrefectApi(server.url).get("/x") == "there"
    assert len(server.requests) == 4
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("status", "requests"), [(408, 7), (502, 7), (429, 13), (503, 13)])
def test_it_is_asked_a_bounded_number_of_times_and_longer_where_it_is_there(
    pauses: list[float], status: int, requests: int
) -> None:
    with answering([answer({}, status)]) as server, pytest.raises(TransientError, match=f"answered {status}"):
        PrefectApi(server.url, retries=6).get("/x")
    assert len(server.requests) == requests
    assert len(pauses) == requests - 1
    assert pauses[-1] <= api.LONGEST_PAUSE * 2


@pytest.mark.parametrize(
    ("wish", "least", "most"),
    [
        ("7", 7, 7),
        (timedelta(seconds=600), 500, 600),
        (timedelta(seconds=-600), 0, 0.5),
        ("soon", 0.5, 0.5),
        ("", 0.5, 0.5),
    ],
)
def test_the_pause_is_the_server_s_wish(
    pauses: list[float], wish: str | timedelta, least: float, most: float
) -> None:
    if isinstance(wish, timedelta):
        wish = format_datetime(datetime.now(UTC) + wish)
    with answering([answer({}, 429, Retry_After=wish), answer("there")]) as server:
        PrefectApi(server.url).get("/x")
    (pause,) = pauses
    assert least <= pause <= most


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 500])
def test_other_errors_are_told_at_once(pauses: list[float], status: int) -> None:
    with (
        answering([answer({"password": "canary-1"}, status)]) as server,
        pytest.raises(TransientError, match=f"answered {status}") as caught,
    ):
        PrefectApi(server.url).post("/x", {})
    assert len(server.requests) == 1
    assert pauses == []
    assert "canary" not in str(caught.value)
    assert ("PREFECT_API_AUTH_STRING" in str(caught.value.remedy)) == (status in (401, 403))


def test_a_server_that_is_away_is_asked_again_and_then_told(pauses: list[float]) -> None:
    with answering([Answer()]) as server:
        url = server.url
    with pytest.raises(TransientError, match="stopped answering") as caught:
        PrefectApi(url, retries=1).get("/x")
    assert len(pauses) == 1
    assert "towpath local status" in str(caught.value.remedy)


def test_a_certificate_that_is_not_trusted_is_not_waited_for(pauses: list[float]) -> None:
    with answering([Answer()]) as server, pytest.raises(TransientError, match="no certificate") as caught:
        PrefectApi(server.url.replace("http:", "https:")).get("/x")
    assert pauses == []
    assert "PREFECT_API_SSL_CERT_FILE" in str(caught.value.remedy)


@pytest.mark.parametrize("body", [b"<html>back soon</html>", b"{", b"\xff\xfe"])
def test_a_page_of_a_proxy_is_no_answer(body: bytes) -> None:
    with (
        answering([Answer(body=body)]) as server,
        pytest.raises(TransientError, match="did not answer /x as expected: no JSON"),
    ):
        PrefectApi(server.url).get("/x")


def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST == 64 << 20
    monkeypatch.setattr(api, "LARGEST", 1_000)
    with (
        answering([Answer(body=b"1" * 1_001)]) as server,
        pytest.raises(TransientError, match="more than 1000 bytes"),
    ):
        PrefectApi(server.url).get("/x")


def test_a_server_that_wants_a_token_against_forged_requests_gets_one() -> None:
    refused = Answer(403, b'{"detail": "Missing CSRF token"}')
    with answering([refused, answer({"token": "t-1"}), answer("done"), answer("again")]) as server:
        client = PrefectApi(server.url)
        assert client.post("/x", {"a": 1}) == "done"
        assert client.post("/y", {}) == "again"
    first, asked, second, third = server.requests
    assert "Prefect-Csrf-Token" not in first.headers
    assert asked.path.startswith("/csrf-token?client=")
    assert second.headers["Prefect-Csrf-Token"] == third.headers["Prefect-Csrf-Token"] == "t-1"
    assert second.headers["Prefect-Csrf-Client"] == asked.path.partition("=")[2]
    assert (second.path, second.body) == ("/x", first.body)


@pytest.mark.parametrize(
    ("setting", "value", "sent"),
    [
        ("PREFECT_API_AUTH_STRING", "admin:canary-pass", "Basic YWRtaW46Y2FuYXJ5LXBhc3M="),
        ("PREFECT_API_KEY", "pnu_canary-key", "Bearer pnu_canary-key"),
    ],
)
def test_credentials_are_sent_and_known_as_secrets(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, sent: str
) -> None:
    monkeypatch.setenv(setting, value)
    with answering([answer({})]) as server:
        PrefectApi(server.url).get("/x")
    assert server.requests[0].headers["Authorization"] == sent
    assert "canary" not in redact(f"it said {value}")


def test_headers_of_one_s_own_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", '{"X-Team": "shop", "X-Number": 1}')
    with answering([answer({})]) as server:
        PrefectApi(server.url).get("/x")
    assert server.requests[0].headers["X-Team"] == "shop"
    assert server.requests[0].headers["X-Number"] == "1"


@pytest.mark.parametrize("text", ["{", "[1]", "1", '"a"'])
def test_headers_that_are_no_object_are_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", text)
    with pytest.raises(TerminalError, match="is no JSON object"):
        PrefectApi("http://127.0.0.1:1/api")
