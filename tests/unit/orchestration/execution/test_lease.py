"""After which answers of the server its lock is asked for again, and how soon."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError

from towpath.orchestration.execution import lease
from towpath.orchestration.execution.lease import LONGEST_PAUSE, OVERLOADED, PAUSE, leased


def refusal(status: int, **headers: str) -> PrefectHTTPStatusError:
    request = httpx.Request("POST", "http://server/api")
    return PrefectHTTPStatusError(
        "no", request=request, response=httpx.Response(status, headers=headers, request=request)
    )


@pytest.mark.parametrize(
    ("error", "waited", "pause"),
    [
        (refusal(423, **{"Retry-After": "0.3"}), 0.0, 0.3),
        (refusal(423, **{"Retry-After": "30"}), 0.0, LONGEST_PAUSE),
        (refusal(423, **{"Retry-After": "soon"}), 0.0, PAUSE),
        (refusal(423), OVERLOADED + 1, PAUSE),
        (refusal(503), 0.0, PAUSE),
        (refusal(503), OVERLOADED + 1, None),
        (refusal(404), 0.0, None),
        (refusal(422), 0.0, None),
    ],
)
def test_a_lock_that_others_hold_and_a_server_in_trouble_are_asked_again(
    error: PrefectHTTPStatusError, waited: float, pause: float | None
) -> None:
    assert lease._pause(error, waited) == pause


class Client:
    """Gives the lock, and notes what else it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lease = uuid4()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def increment_concurrency_slots_with_lease(self, *_: Any) -> httpx.Response:
        limits = [{"id": str(uuid4()), "name": "environment-dev", "limit": 1}]
        return httpx.Response(200, json={"lease_id": str(self.lease), "limits": limits})

    def update_flow_run_labels(self, run: UUID, labels: dict[str, str]) -> None:
        assert labels == {"towpath.lease": str(self.lease)}
        self.asked.append(f"note {run}")

    def renew_concurrency_lease(self, *_: Any) -> None:
        self.asked.append("renew")
        raise OSError("away")

    def release_concurrency_slots_with_lease(self, held: UUID) -> None:
        assert held == self.lease
        self.asked.append("release")
        raise OSError("away")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(lease, "get_client", lambda **_: made)
    return made


def test_a_lock_that_is_held_for_a_moment_is_given_back_and_that_is_all(client: Client) -> None:
    with leased("environment-dev", "environment dev", patience=1, run=str(uuid4())):
        pass
    assert client.asked == ["release"]


def test_a_lock_that_is_held_for_longer_is_noted_and_renewed_and_a_server_that_is_away_ends_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "NOTED_AFTER", 0.01)
    monkeypatch.setattr(lease, "RENEW", 0.05)
    run = str(uuid4())
    with leased("environment-dev", "environment dev", patience=1, run=run):
        until = time.monotonic() + 30
        while client.asked.count("renew") < 2 and time.monotonic() < until:
            time.sleep(0.01)
    assert client.asked[:3] == [f"note {run}", "renew", "renew"]
    assert "release" in client.asked
