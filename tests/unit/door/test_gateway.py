"""What the door asks of the Prefect server, and that it does not let questions pile up."""

import asyncio

import pytest

from tests.unit.door.issuer import COMMIT
from tests.unit.door.prefect_stand_in import StandIn
from towpath.door import gateway as module
from towpath.door.gateway import Gateway
from towpath.door.rules import RequestError


def test_questions_beyond_a_number_are_refused(prefect: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)

    async def ask() -> list[object]:
        gateway = Gateway(prefect.url)
        asked = [gateway.start("shop", f"{number:040x}", repeat=False) for number in range(1, 9)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        gateway.close()
        return list(found)

    answers = asyncio.run(ask())
    refused = [each for each in answers if isinstance(each, RequestError)]
    assert [each.status for each in refused] == [503] * 5
    assert len(prefect.runs) == 3


def test_the_address_of_a_run_is_the_one_that_people_open(prefect: StandIn) -> None:
    gateway = Gateway(prefect.url, "https://prefect.example.com/")
    delivery = asyncio.run(gateway.start("shop", COMMIT, repeat=False))
    assert delivery.address == f"https://prefect.example.com/runs/flow-run/{delivery.id}"
    gateway.close()


def test_a_run_whose_answer_was_lost_is_new_to_who_asked_for_it_only(prefect: StandIn) -> None:
    prefect.lost = 1
    gateway = Gateway(prefect.url)
    first, second = (asyncio.run(gateway.start("shop", COMMIT, repeat=False)) for _ in range(2))
    gateway.close()
    assert first.id == second.id
    assert (first.new, second.new) == (True, False)
    assert len(prefect.runs) == 1
