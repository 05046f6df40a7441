"""What a Prefect server must hold before flows run: work pools, locks, the watch for dead runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from towpath.errors import TransientError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.keys import LOST, POOL_TEMPLATE, POOL_TYPE, lock_name, pool

HEARTBEATS = "Runs without a heartbeat are crashed"
_PAGE = 200
_FILTERS = {
    "WorkPool": "/work_pools/filter",
    "ConcurrencyLimit": "/v2/concurrency_limits/filter",
    "Automation": "/automations/filter",
}
"""Kind -> where it is looked for."""
_PLACES = {kind: path.removesuffix("filter") for kind, path in _FILTERS.items()}
"""Kind -> where it is made."""


@dataclass(frozen=True, slots=True)
class ServerObject:
    """One thing that a server holds: of its kind there is one of that name."""

    kind: str
    name: str
    body: dict[str, Any] = field(repr=False, compare=False, hash=False)


def wanted_objects(environments: Sequence[str | None]) -> list[ServerObject]:
    """What these environments need; None stands for the agent that builds."""
    pools = [ServerObject("WorkPool", pool(each), _pool(each)) for each in environments]
    locks = [
        ServerObject("ConcurrencyLimit", name, {"name": name, "limit": 1, "active": True})
        for name in (lock_name(each) for each in environments if each is not None)
    ]
    return [*pools, *locks, ServerObject("Automation", HEARTBEATS, heartbeat_automation())]


def missing_objects(api: PrefectApi, environments: Sequence[str | None]) -> list[ServerObject]:
    """Those that the server has not. What is there stays as a person may have changed it."""
    wanted = wanted_objects(environments)
    there = {kind: _names(api, kind) for kind in {each.kind for each in wanted}}
    return [each for each in wanted if each.name not in there[each.kind]]


def make_object(api: PrefectApi, wanted: ServerObject) -> None:
    """Make it; that somebody else has made it meanwhile is as good."""
    try:
        api.post(_PLACES[wanted.kind], wanted.body)
    except TransientError:
        if wanted.name not in _names(api, wanted.kind):
            raise


def _names(api: PrefectApi, kind: str) -> set[str]:
    found: set[str] = set()
    for page in range(1000):
        rows = api.post(_FILTERS[kind], {"limit": _PAGE, "offset": page * _PAGE})
        found |= {str(each["name"]) for each in rows}
        if len(rows) < _PAGE:
            break
    return found


def _pool(environment: str | None) -> dict[str, Any]:
    description = "Builds, tests, scans and pushes images. Holds no cluster's credentials."
    if environment is not None:
        description = f"Promotes to and reconciles {environment}. Holds this environment's credentials only."
    return {
        "name": pool(environment),
        "type": POOL_TYPE,
        "description": description,
        "base_job_template": POOL_TEMPLATE,
    }


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
