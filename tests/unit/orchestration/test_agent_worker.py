"""What Towpath's worker leaves out of Prefect's."""

import asyncio

from towpath.orchestration.agent_worker import AgentWorker


def test_it_looks_for_no_integrations_of_prefect() -> None:
    assert asyncio.run(AgentWorker("towpath-dev", name="dev")._worker_metadata()) is None
