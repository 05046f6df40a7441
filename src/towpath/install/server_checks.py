"""Whether the Prefect server answers, reaches its database, and hears of each agent."""

from collections.abc import Iterator
from datetime import UTC, datetime

from towpath.adapters.kubernetes import Cluster
from towpath.errors import TowpathError
from towpath.install.parts import AgentPart, Parts
from towpath.install.reach import Reach, way_to_api
from towpath.install.secrets import Found
from towpath.local.programs.checks import Check, Status
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.keys import pool

TIMEOUT = 10.0


def check_server(cluster: Cluster, parts: Parts) -> Iterator[Check]:
    """Its readiness, through the API server: what asks for it needs no credential of Prefect."""
    name, server = "database", parts.server
    if server is None:
        yield Check(name, Status.ABSENT, "the Prefect server is elsewhere")
        return
    answer = cluster.service_proxy(server.namespace, server.name, "http", "/api/ready", timeout=TIMEOUT)
    if answer.status == 200:
        yield Check(name, Status.OK, "reached by the Prefect server, which is ready")
    elif answer.headers.get("Audit-Id") and answer.status == 503 and b'"kind":"Status"' in answer.body:
        yield Check(name, Status.MISSING, "no pod of the Prefect server is ready to say", _pods(parts))
    elif answer.status == 503:
        way = "`database` in the values, its passwordSecret, and network policies: docs/guides/install.md."
        yield Check(name, Status.MISSING, "the Prefect server does not reach it", way)
    else:
        detail = f"the Prefect server answers /api/ready with {answer.status}"
        yield Check(name, Status.MISSING, detail, _pods(parts))


def check_pools(reach: Reach, parts: Parts, found: Found) -> Iterator[Check]:
    """Whether each agent has polled its work pool just now."""
    try:
        with reach.api(parts, found) as api:
            yield from [_pool(api, agent) for agent in parts.agents]
    except TowpathError as error:
        yield Check("prefect api", Status.MISSING, error.message, error.remedy or way_to_api(parts))


def _pool(api: PrefectApi, agent: AgentPart) -> Check:
    name, called = f"pool {agent.name}", pool(agent.environment)
    try:
        workers = api.post(f"/work_pools/{called}/workers/filter", {})
    except NotFoundError:
        return Check(name, Status.MISSING, f"there is no work pool {called}", "`towpath install` makes it.")
    online = [each for each in workers if each.get("status") == "ONLINE"]
    if online:
        heard = max(str(each.get("last_heartbeat_time")) for each in online)
        return Check(name, Status.OK, f"{online[0]['name']} polls {called}, heard of {_ago(heard)}")
    heard = max((str(each.get("last_heartbeat_time")) for each in workers), default="")
    detail = f"no agent polls {called}" + (f"; the last was heard of {_ago(heard)}" if heard else "")
    return Check(name, Status.MISSING, detail, f"`kubectl logs deployment/{agent.deployment.name}` says why.")


def _ago(time: str) -> str:
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    except (ValueError, TypeError):
        return "at an unknown time"
    return f"{max(0, round(seconds))} s ago"


def _pods(parts: Parts) -> str:
    return f"See {parts.server.name} above." if parts.server else ""
