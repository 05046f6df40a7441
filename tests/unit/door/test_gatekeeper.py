"""Who asks, and for what, by a clock that the test turns; over a socket: test_app.py, test_forges.py."""

import json
from pathlib import Path

import pytest

from tests.unit.door.issuer import COMMIT
from tests.unit.door.opened import asking, door_text, signature
from towpath.config.machine_file import parse_machine_file
from towpath.door.door_file import DOOR_FILE, DoorFile
from towpath.door.gatekeeper import Gatekeeper
from towpath.door.rules import RequestError, Rules
from towpath.door.tokens import Caller, Tokens

START = 1_800_000_000.0


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules.of(parse_machine_file(door_text(tmp_path, "https://ci.example.com"), DOOR_FILE, DoorFile))


@pytest.fixture
def gatekeeper(rules: Rules, clock: Clock) -> Gatekeeper:
    return Gatekeeper(rules, Tokens(rules), clock)


def signed(at: float) -> tuple[dict[str, str], bytes]:
    body = json.dumps(asking()).encode()
    return {name.lower(): value for name, value in signature(body, at=at).items()}, body


def test_a_request_of_before_the_start_does_not_count(gatekeeper: Gatekeeper, clock: Clock) -> None:
    clock.now = START + 60
    with pytest.raises(RequestError, match="before the door's start"):
        gatekeeper.by_signature(*signed(START - 1))
    assert gatekeeper.by_signature(*signed(START)).commit == COMMIT


def test_a_request_counts_once_for_as_long_as_it_is_fresh(gatekeeper: Gatekeeper, clock: Clock) -> None:
    request = signed(START + 300)
    assert gatekeeper.by_signature(*request).repeat
    for clock.now in (START + 300, START + 600):
        with pytest.raises(RequestError) as caught:
            gatekeeper.by_signature(*request)
        assert caught.value.status == 409
    clock.now = START + 601
    with pytest.raises(RequestError) as caught:
        gatekeeper.by_signature(*request)
    assert caught.value.status == 401


def test_a_token_is_for_one_delivery(gatekeeper: Gatekeeper) -> None:
    claims = {"repository_id": "4711"}
    caller = Caller("actions", "acme/shop", "refs/heads/main", None, claims, "t", START + 300)

    def ask(commit: str) -> bool:
        body = json.dumps({"commit": commit}).encode()
        return gatekeeper.by_token(caller, {"content-type": "application/json"}, body).repeat

    assert ask(COMMIT)
    assert not ask(COMMIT)
    with pytest.raises(RequestError) as caught:
        ask("b" * 40)
    assert (caught.value.status, caught.value.reason) == (409, "replay")
