"""Requests to the door over a real socket: what starts a run, and what starts none."""

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.door.issuer import COMMIT, TestIssuer
from tests.unit.door.opened import SECRET, Opened, asking, door_text, opened, signature
from tests.unit.door.prefect_stand_in import StandIn
from towpath.door import app

OTHER = "f" * 40


def test_a_signed_request_starts_one_run_of_deliver(door: Opened) -> None:
    answer = door.signed(asking())
    (run,) = door.prefect.runs.values()
    assert answer.status == 202, answer.text
    assert answer.json["deliveries"] == [
        {
            "id": run["id"],
            "app": "shop",
            "commit": COMMIT,
            "state": "scheduled",
            "address": f"{door.prefect.url.removesuffix('/api')}/runs/flow-run/{run['id']}",
            "new": True,
        }
    ]
    assert answer.headers["location"] == f"/deliveries/{run['id']}"
    assert run["parameters"] == {"app": "shop", "revision": COMMIT}
    assert run["tags"] == ["app:shop", f"commit:{COMMIT[:7]}", "by:door"]


def test_a_commit_is_delivered_once_however_often_it_is_asked_for(door: Opened, issuer: TestIssuer) -> None:
    answers = [door.signed(asking()), door.signed(asking()), door.with_token(issuer.token())]
    assert [answer.status for answer in answers] == [202, 200, 200]
    assert len(door.prefect.runs) == 1
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: door.signed(asking(commit=OTHER)), range(8)))
    assert sorted(answer.status for answer in together) == [200] * 7 + [202]
    assert len(door.prefect.runs) == 2


def test_one_that_failed_is_repeated_by_a_new_request(door: Opened) -> None:
    first = door.signed(asking()).json["deliveries"][0]["id"]
    door.prefect.set_state(first, "FAILED")
    again = door.signed(asking())
    assert (again.status, len(door.prefect.runs)) == (202, 2)
    assert again.json["deliveries"][0]["id"] != first


def test_all_apps_of_a_repository_or_the_one_that_is_named(door: Opened) -> None:
    both = door.signed(asking(repository="acme/two"), Accept="text/plain")
    assert [line.split()[1:4] for line in both.text.splitlines()] == [
        ["one", "scheduled", "new"],
        ["two", "scheduled", "new"],
    ]
    one = door.signed(asking(repository="acme/two", app="two", commit=OTHER))
    assert [each["app"] for each in one.json["deliveries"]] == ["two"]
    assert len(door.prefect.runs) == 3


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"ref": "refs/heads/release/1"}, 202),
        ({"ref": "refs/tags/v1.2"}, 202),
        ({"ref": "refs/heads/feature"}, 403),
        ({"ref": "refs/heads/release/1/x"}, 403),
        ({"ref": "refs/heads/v1"}, 403),
        ({"ref": "refs/tags/main"}, 403),
        ({"ref": "main"}, 403),
        ({"ref": "refs/pull/7/merge"}, 403),
        ({"ref": "refs/heads/main\nx"}, 400),
        ({"ref": None}, 400),
        ({"commit": COMMIT[:7]}, 400),
        ({"commit": "main"}, 400),
        ({"commit": COMMIT.upper()}, 400),
        ({"commit": "0" * 40}, 400),
        ({"commit": None}, 400),
        ({"app": "other"}, 403),
        ({"app": 1}, 400),
        ({"parameters": {}}, 400),
        ({"environment": "prod"}, 400),
        ({"repository": "acme/none"}, 401),
        ({"repository": "acme/web/site"}, 401),
        ({"repository": None}, 401),
    ],
)
def test_what_may_be_asked_for(door: Opened, changed: dict[str, str], status: int) -> None:
    answer = door.signed(asking(**changed))
    assert answer.status == status, answer.text
    assert len(door.prefect.runs) == (1 if status == 202 else 0)


@pytest.mark.parametrize(
    ("later", "off"), [(-400, {}), (400, {}), (0, {"secret": "x" * 32}), (0, {"secret": ""})]
)
def test_a_signature_that_does_not_hold(door: Opened, later: float, off: dict) -> None:
    answer = door.signed(asking(), at=time.time() + later, **off)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert door.prefect.runs == {}


def test_a_request_counts_once(door: Opened) -> None:
    body = json.dumps(asking()).encode()
    headers = signature(body)
    assert door.ask("POST", "/deliver", body, headers).status == 202
    assert door.ask("POST", "/deliver", body, headers).status == 409
    bare = {**headers, "X-Towpath-Signature": headers["X-Towpath-Signature"].removeprefix("sha256=")}
    assert door.ask("POST", "/deliver", body, bare).status == 409
    changed = body.replace(b"refs/heads/main", b"refs/heads/release/2")
    assert door.ask("POST", "/deliver", changed, headers).status == 401
    late = {**headers, "X-Towpath-Timestamp": str(int(headers["X-Towpath-Timestamp"]) + 1)}
    assert door.ask("POST", "/deliver", body, late).status == 401


def test_a_token_asks_for_one_delivery(door: Opened, issuer: TestIssuer) -> None:
    token = issuer.token()
    assert door.with_token(token).status == 202
    (run,) = door.prefect.runs
    assert door.with_token(token).status == 200
    door.prefect.set_state(run, "FAILED")
    assert door.with_token(token).status == 200  # the same token repeats nothing
    assert len(door.prefect.runs) == 1
    assert door.with_token(issuer.token()).status == 202  # a new one does
    for body, status in (
        ({"ref": "refs/heads/release/1"}, 403),
        ({"commit": OTHER}, 403),
        ({"app": "x"}, 403),
    ):
        assert door.with_token(issuer.token(), json.dumps(body).encode()).status == status


@pytest.mark.parametrize("path", ["/deliver", "/hooks/github", "/hooks/gitlab", "/hooks/gitea"])
def test_who_proves_nothing_starts_nothing(door: Opened, path: str) -> None:
    body = json.dumps(
        {**asking(), "repository": {"full_name": "acme/shop"}, "project": {"path_with_namespace": "a/b"}}
    )
    answer = door.ask("POST", path, body.encode(), {"Content-Type": "application/json"})
    assert (answer.status, door.prefect.runs) == (401, {})
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Basic dTpw"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer x.y.z"}, 401),
        ({"Authorization": "Bearer " + "x" * 20000}, 401),
        ({"Authorization": "Bearer a", "X-Towpath-Signature": "sha256=0"}, 400),
        ({"X-Towpath-Signature": "sha256=\xff"}, 401),
    ],
)
def test_headers_that_prove_nothing(door: Opened, headers: dict[str, str], status: int) -> None:
    given = {"Content-Type": "application/json", **headers}
    answer = door.ask("POST", "/deliver", json.dumps(asking()).encode(), given)
    assert (answer.status, door.prefect.runs) == (status, {}), answer.text


def test_a_header_that_is_there_twice_is_refused(door: Opened) -> None:
    body = json.dumps(asking()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.putrequest("POST", "/deliver")
    for name, value in [*signature(body).items(), ("X-Towpath-Signature", "sha256=00")]:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    assert connection.getresponse().status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 50_000, 400),
    ],
)
def test_bodies_that_cannot_be_read(door: Opened, body: bytes, status: int) -> None:
    assert door.signed(body).status == status
    assert door.signed(body, **{"Content-Type": "application/x-www-form-urlencoded"}).status == 415


@pytest.mark.parametrize("path", ["/deliver", "/hooks/github", "/hooks/gitea", "/hooks/gitlab"])
def test_a_body_of_ten_megabytes_is_refused(door: Opened, path: str) -> None:
    body = b'{"repository": "' + b"x" * (10 << 20) + b'"}'
    answer = door.ask("POST", path, body, signature(body))
    assert answer.status == 413, answer.text
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    connection.request(
        "POST", path, iter([b"x" * (1 << 20)] * 10), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert connection.getresponse().status == 413


def test_a_body_that_breaks_off_starts_nothing(door: Opened) -> None:
    body = json.dumps(asking()).encode()
    with socket.create_connection(("127.0.0.1", door.port)) as connection:
        head = "".join(f"{name}: {value}\r\n" for name, value in signature(body).items())
        connection.sendall(
            f"POST /deliver HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
        )
        connection.sendall(body[:10])
    time.sleep(0.2)
    assert door.prefect.runs == {}
    assert door.signed(asking()).status == 202


def test_a_body_that_comes_too_slowly(door: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "PATIENCE", 0.3)
    with socket.create_connection(("127.0.0.1", door.port)) as connection:
        connection.sendall(b"POST /deliver HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("", "x", False),
    ],
)
def test_whose_rate_an_address_shares(one: str, other: str, same: bool) -> None:
    assert (app.network_of(one) == app.network_of(other)) is same


def test_rates_of_an_address_and_of_a_repository(
    tmp_path: Path, issuer: TestIssuer, prefect: StandIn
) -> None:
    with opened(door_text(tmp_path, issuer.url, "{requests: 10, deliveries: 2}"), prefect) as door:
        asked = [door.signed(asking()) for _ in range(3)]
        other = door.signed(asking(repository="acme/two", app="one"))
        rest = [door.ask("POST", "/deliver").status for _ in range(10)]
        assert door.ask("GET", "/healthz").status == 200  # probes are not counted
    assert [answer.status for answer in asked] == [202, 200, 429]
    assert 1 <= int(asked[2].headers["retry-after"]) <= 60
    assert other.status == 202
    assert rest[:6] == [401] * 6
    assert rest[7:] == [429] * 3


def test_state_of_a_delivery_without_a_credential(door: Opened) -> None:
    delivery = door.signed(asking()).json["deliveries"][0]["id"]

    def states() -> tuple[str, list[tuple[str, str, str]]]:
        shown = door.ask("GET", f"/deliveries/{delivery}").json
        assert (shown["app"], shown["commit"]) == ("shop", COMMIT)
        return shown["state"], [(run["flow"], run["environment"], run["state"]) for run in shown["runs"]]

    assert states() == ("scheduled", [("deliver", "", "scheduled")])
    door.prefect.set_state(delivery, "RUNNING")
    assert states() == ("running", [("deliver", "", "running")])
    door.prefect.set_state(delivery, "COMPLETED")
    promote = {"idempotency_key": f"promote:{delivery}:dev", "parameters": {"environment": "dev"}}
    _, run = door.prefect.create("f-promote", promote)
    assert states() == ("running", [("deliver", "", "succeeded"), ("promote", "dev", "scheduled")])
    door.prefect.set_state(run["id"], "PAUSED", "Suspended")
    assert states()[0] == "waiting"
    door.prefect.set_state(run["id"], "FAILED")
    assert states() == ("failed", [("deliver", "", "succeeded"), ("promote", "dev", "failed")])
    text = door.ask("GET", f"/deliveries/{delivery}", headers={"Accept": "text/plain"}).text
    assert text.splitlines()[0] == "failed"
    assert "secret words" not in text + door.ask("GET", f"/deliveries/{delivery}").text
    assert door.ask("GET", f"/deliveries/{run['id']}").status == 404  # of another flow


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/deliveries/none", 404),
        ("GET", "/deliveries/00000000-0000-4000-8000-000000000000", 404),
        ("GET", "/deliveries/..%2f..%2fdeployments", 404),
        ("GET", "/deliver", 405),
        ("PUT", "/deliver", 405),
        ("DELETE", "/deliveries/x", 405),
        ("POST", "/hooks/bitbucket", 404),
        ("POST", "/api/flow_runs/filter", 404),
        ("GET", "/", 404),
    ],
)
def test_addresses_that_are_not_served(door: Opened, method: str, path: str, status: int) -> None:
    answer = door.ask(method, path)
    assert (answer.status, set(answer.json)) == (status, {"error"})


def test_probes_and_metrics(door: Opened, issuer: TestIssuer) -> None:
    assert (door.ask("GET", "/healthz").text, door.ask("GET", "/readyz").status) == ("ok\n", 200)
    door.signed(asking())
    door.with_token(issuer.token(aud="x"))
    text = door.ask("GET", "/metrics").text
    assert 'towpath_door_deliveries_total{by="hmac",result="new"} 1.0' in text
    assert 'towpath_door_requests_total{path="/deliver",result="audience"} 1.0' in text
    assert "acme" not in text
    assert "towpath_door_prefect_reachable 1.0" in text


def test_without_the_prefect_server_callers_are_told_to_ask_again(door: Opened) -> None:
    door.prefect.broken = True
    answer = door.signed(asking())
    assert (answer.status, answer.headers["retry-after"]) == (503, "10"), answer.text
    assert door.ask("GET", "/readyz").status == 503
    assert door.ask("GET", "/healthz").status == 200
    door.prefect.broken = False
    assert door.signed(asking()).status == 202


def test_no_secret_in_any_log_or_answer(
    door: Opened, issuer: TestIssuer, capsys: pytest.CaptureFixture[str]
) -> None:
    token = issuer.token()
    told = door.signed(asking()).text + door.with_token(token).text + door.with_token(token + "x").text
    told += door.ask("POST", f"/deliver?token={SECRET}", b"", {"Authorization": f"Bearer {SECRET}"}).text
    told += capsys.readouterr().out
    for secret in (SECRET, token, token.rpartition(".")[2]):
        assert secret not in told
    assert "acme/shop refs/heads/main by hmac: shop 1a2b3c4, new run" in told


@pytest.mark.parametrize("changed", [{"\ud800": "x"}, {"ref": "refs/heads/\ud800"}, {"app": "\ud800"}])
def test_half_a_surrogate_pair_is_malformed_and_starts_nothing(door: Opened, changed: dict[str, str]) -> None:
    body = json.dumps({**asking(), **changed}).encode()
    for headers in (signature(body), signature(body, secret="of nobody")):
        answer = door.ask("POST", "/deliver", body, headers)
        assert (answer.status, answer.headers["cache-control"]) == (400, "no-store")
        assert answer.json == {"error": "the body is no JSON, or nested too deeply"}
    assert door.prefect.runs == {}
