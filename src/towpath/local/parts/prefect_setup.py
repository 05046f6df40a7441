"""What the Prefect server must hold before flows run: pools, locks, the watch for dead runs, deployments."""

import hashlib
from pathlib import Path

from towpath.local.common.files import read_json, write_json
from towpath.local.common.stack import POOLS, Stack
from towpath.local.parts.process_environment import agent_environment, python_environment
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.deploy import deploy_all
from towpath.orchestration.old_pools import former_pools, move_waiting_runs
from towpath.orchestration.server_objects import make_object, missing_objects


def prepare_server(stack: Stack) -> None:
    """Make what is missing; what is there stays as a person may have changed it."""
    api = PrefectApi(stack.prefect_api, read_timeout=30.0)
    for each in missing_objects(api, [None if pool == "build" else pool for pool in POOLS]):
        make_object(api, each)
    api.close()


def deployment_key(stack: Stack) -> str:
    """Changes whenever deploying again could change anything; empty when there is nothing to deploy."""
    if not (stack.project / "prefect.yaml").exists():
        return ""
    digest = hashlib.sha256(stack.prefect_api.encode())
    for path in (stack.project / "prefect.yaml", *sorted((stack.project / "flows").glob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def deploy(stack: Stack) -> None:
    """`prefect deploy --all`, unless this was done for the same files before."""
    marker = stack.layout.data / "deployments.json"
    key = deployment_key(stack)
    if not key or read_json(marker) == key:
        return
    # Not the agent's home: what is written there belongs to the agent's user.
    environment = {**agent_environment(stack, "build"), **python_environment(stack, "deploy")}
    Path(environment["HOME"]).mkdir(parents=True, exist_ok=True, mode=0o700)
    deploy_all(stack.project, environment, python=stack.python)
    write_json(marker, key)


def move_runs(stack: Stack) -> None:
    """Make runs anew that wait in pools of an earlier version, and delete those that no deployment uses."""
    if not deployment_key(stack):
        return
    api = PrefectApi(stack.prefect_api)
    move_waiting_runs(api)
    for pool in former_pools(api):
        if not api.post("/deployments/filter", {"work_pools": {"name": {"any_": [pool]}}}):
            api.request("DELETE", f"/work_pools/{pool}")
    api.close()
