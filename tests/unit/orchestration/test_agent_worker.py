"""What Towpath's worker leaves out of Prefect's."""

import asyncio
import sys

import pytest
from prefect.utilities.slugify import slugify

from towpath.orchestration.agent_worker import AgentWorker


def worker(name: str) -> AgentWorker:
    return AgentWorker("towpath-dev", name=name)


@pytest.mark.parametrize("name", ["dev", "towpath-dev-host.example.com", "Prod EU_1 (a)", "it's--me"])
def test_its_events_name_it_as_prefect_does(name: str) -> None:
    assert worker(name).get_name_slug() == slugify(name)


def test_its_events_need_no_table_of_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "text_unidecode", None)
    assert worker("Zürich 東京").get_name_slug() == "zürich-東京"


def test_it_looks_for_no_integrations_of_prefect() -> None:
    assert asyncio.run(worker("dev")._worker_metadata()) is None
