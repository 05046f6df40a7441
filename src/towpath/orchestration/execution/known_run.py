"""What an agent knows of a run and hands to its child, which need not ask the server for it again."""

import json

from prefect.client.schemas.objects import FlowRun


def dump_known(flow: str, flow_run: FlowRun) -> str:
    """As text; empty when the flow's name is not known."""
    return json.dumps({"flow": flow, "run": flow_run.model_dump_json()}) if flow else ""


def load_known(text: str) -> tuple[str, FlowRun]:
    """The flow's name, and the run as it was when the agent took it."""
    known = json.loads(text)
    return known["flow"], FlowRun.model_validate_json(known["run"])
