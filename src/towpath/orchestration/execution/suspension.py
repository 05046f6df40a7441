"""Lets people suspend a flow run that is under way, as Prefect does, and keeps no run waiting for it.

Prefect's engine connects to the server's events before a run begins, and waits for that. A run here begins at
once, and is listened for when it lasts.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from prefect._flow_run_suspension import FlowRunSuspensionRequest, observe_flow_run_suspension

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

AFTER = 2.0
"""Seconds: a shorter run has ended before anybody could suspend it."""
_LOG = logging.getLogger(__name__)


def without_waiting(flow_run: "FlowRun") -> "FlowRun":
    """The run as the engine must get it: it listens by itself for runs of a deployment only.

    The flow's body knows the deployment all the same: known_answers.py.
    """
    threading.Thread(target=_listen, args=(flow_run,), name="suspension", daemon=True).start()
    return flow_run.model_copy(update={"deployment_id": None})


def _listen(flow_run: "FlowRun") -> None:
    """Until the process ends. What it hears reaches the engine's own request, known by the run's id."""
    time.sleep(AFTER)
    try:
        with observe_flow_run_suspension(flow_run.id, FlowRunSuspensionRequest()):
            threading.Event().wait()
    except Exception as error:  # noqa: BLE001 - the run goes on, and cannot be suspended from outside
        _LOG.debug("nobody can suspend %s: %s", flow_run.name, error)
