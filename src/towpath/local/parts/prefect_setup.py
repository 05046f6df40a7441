"""What the Prefect server must hold before flows run: pools, locks, the watch for dead runs, deployments."""

import hashlib
from pathlib import Path
from typing import Any

from towpath.adapters.process import CommandError, run
from towpath.errors import TerminalError, TransientError
from towpath.local.common.files import read_json, write_json
from towpath.local.common.http import Reply, request
from towpath.local.common.stack import ENVIRONMENTS, POOLS, Stack
from towpath.local.parts.process_environment import agent_environment, python_environment
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.keys import LOST, POOL_TEMPLATE, POOL_TYPE, lock_name
from towpath.orchestration.keys import pool as pool_name
from towpath.orchestration.old_pools import former_pools, move_waiting_runs

DEPLOY_TIMEOUT = 300.0
HEARTBEATS = "Runs without a heartbeat are crashed"


def prepare_server(stack: Stack) -> None:
    """Make what is missing; what is there stays as a person may have changed it."""
    for pool in POOLS:
        body: dict[str, Any] = {
            "name": pool_name(None if pool == "build" else pool),
            "type": POOL_TYPE,
            "description": _pool_description(pool),
            "base_job_template": POOL_TEMPLATE,
        }
        _make(stack, "/work_pools/", body)
    limits = {one["name"] for one in _ask(stack, "POST", "/v2/concurrency_limits/filter", {}).json()}
    for name in map(lock_name, ENVIRONMENTS):
        if name not in limits:
            _make(stack, "/v2/concurrency_limits/", {"name": name, "limit": 1, "active": True})
    known = _ask(stack, "POST", "/automations/filter", {}).json()
    if HEARTBEATS not in {one["name"] for one in known}:
        _ask(stack, "POST", "/automations/", heartbeat_automation())


def heartbeat_automation() -> dict[str, Any]:
    """Prefect's documented automation: a run whose heartbeats (every 30 s) stop for 90 s has crashed.

    `expect` names every event of a run, so that one that was suspended on purpose does not count as dead:
    its agent sends one when the process has ended.
    """
    return {
        "name": HEARTBEATS,
        "description": "A flow run whose process died without a word is marked Crashed.",
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "after": ["prefect.flow-run.heartbeat"],
            "expect": ["prefect.flow-run.*"],
            "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": 90,
        },
        "actions": [
            {
                "type": "change-flow-run-state",
                "state": "CRASHED",
                "name": LOST,
                "message": "No heartbeat for 90 s: the process that ran this flow is gone.",
            }
        ],
    }


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
    command = [stack.python, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    # Not the agent's home: what is written there belongs to the agent's user.
    environment = {**agent_environment(stack, "build"), **python_environment(stack, "deploy")}
    Path(environment["HOME"]).mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        run(command, cwd=stack.project, env=environment, timeout=DEPLOY_TIMEOUT)
    except CommandError as error:
        raise TerminalError(f"the deployments of prefect.yaml cannot be made: {error}") from error
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


def _pool_description(pool: str) -> str:
    if pool == "build":
        return "Builds, tests, scans and pushes images. Holds no cluster's credentials."
    return f"Promotes to and reconciles {pool}. Holds this environment's credentials only."


def _make(stack: Stack, path: str, body: dict[str, Any]) -> None:
    """Create; that it is there already (409) is as good."""
    _ask(stack, "POST", path, body, also=409)


def _ask(stack: Stack, method: str, path: str, body: object, *, also: int = 0) -> Reply:
    reply = request(method, stack.prefect_api + path, body, timeout=30.0)
    if not reply.ok and reply.status != also:
        detail = reply.body.decode(errors="replace")[:500]
        raise TransientError(f"Prefect refused {method} {path}: {reply.status} {detail}")
    return reply
