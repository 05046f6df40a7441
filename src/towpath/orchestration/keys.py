"""The grammar of names at the Prefect server: deployments, runs, tags, keys of runs and artifacts, locks.

Flows, tasks, the command line and the local stack find each other's runs and data by these names alone. Pure.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

DELIVER = "deliver"
PROMOTE = "promote"
RECONCILE = "reconcile"
ROLLBACK = "rollback"
"""Names of the flows. `deliver` has one deployment, of the same name; the others have one per environment."""
CANARY = "canary"
"""Name of the flow by which an agent in a pod shows that it works. It has no deployment and no work pool."""

POOL_TYPE = "towpath"
"""Type of the work pools: only `towpath agent` takes their runs."""
POOL_TEMPLATE: Mapping[str, Any] = {
    "job_configuration": {"command": None},
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""A pool of this template refuses every override of a deployment or a run."""

WATCH_TAG = "watch"
"""Tag of the reconcile runs that an agent's watcher creates."""
CANARY_TAG = "canary"
"""Tag of runs that only show that an agent works."""
WORKER_LABEL = "prefect.worker.name"
"""Label of a run: the agent that took it. Prefect's."""
LEASE_LABEL = "towpath.lease"
"""Label of a run: the lease under which it holds its environment's lock."""
REQUEST_LABEL = "towpath.request"
"""Label of a run: the request that created it, told apart from others of the same key."""
LOST = "Lost"
"""State of a run whose heartbeats ended, which the server marked Crashed by itself."""
NOBODY = "towpath"
"""Who started a run that carries no tag of a person."""
APPROVAL = "approve-"
"""How the keys of suspensions begin that ask people."""
BREAK_GLASS = "break-glass"
"""Tag of a promotion that an owner let in without order, soak and approvals."""
LONGEST_REVISION = 200
"""Characters of what is delivered that stand in a key; longer ones are hashed."""
FORM = "2"
"""Version of the form. An answer to another one counts for nothing: it did not say what this one asks."""
SUPERSEDED = "Superseded"
"""State of a promotion whose wait was ended by a newer release."""
REFUSED = "Refused"
"""State of a run that is not for the agent that took it. Its type is FAILED."""
JOINED = "Joined"
"""State of a promotion that ended because another one waits with the same release."""
WAITS = "Waits"
"""State of a promotion that begins again when what must come first may have come. Its type is SCHEDULED."""
SOAKS = "Soaks"
"""State of a promotion that begins again when its release was verified for long enough in the environment
before. Its type is SCHEDULED."""
EXTRAS_ROW = "(extras)"
"""In the place of an app in an environment's table: what nobody declared. No app has such a name."""
SHORT_DIGEST = 12
"""Hex digits of a digest in tags and keys."""


def deployment_name(flow: str, environment: str = "") -> str:
    """`promote-prod`: told apart from the environment's other deployments wherever no flow stands beside it.

    `deliver` belongs to no environment.
    """
    return f"{flow}-{environment}" if environment else flow


def deployment(flow: str, environment: str = "") -> str:
    """`promote/promote-prod`, as the Prefect API names a deployment."""
    return f"{flow}/{deployment_name(flow, environment)}"


def pool(environment: str | None) -> str:
    """The work pool of an environment; None: of what builds."""
    return f"towpath-{environment or 'build'}"


def environment_of(flow: str, name: str) -> str:
    """The environment of a flow's deployment of that name; empty for one that is not ours."""
    prefix = deployment_name(flow, "") + "-"
    return name.removeprefix(prefix) if name.startswith(prefix) else ""


def worker_name(environment: str | None, host: str) -> str:
    """What the agent of an environment is called at the Prefect server, where nothing else names it."""
    return f"{pool(environment)}-{host}"


def repository_variable(environment: str | None) -> str:
    """The Prefect variable in which an agent says which environment repository it works on."""
    return f"{pool(environment)}-repository"


def deliver_name(app: str, commit: str) -> str:
    """Name of a run of `deliver`; `commit` is the short id: `deliver hello 1a2b3c4`."""
    return f"{DELIVER} {app} {commit}"


def promote_name(app: str, commit: str, environment: str) -> str:
    """Name of a run of `promote`; `commit` is the short id: `promote hello 1a2b3c4 to prod`."""
    return f"{PROMOTE} {app} {commit} to {environment}"


def reconcile_name(environment: str) -> str:
    """Name of a run of `reconcile`: `reconcile prod`."""
    return f"{RECONCILE} {environment}"


def canary_name(environment: str, pod: str) -> str:
    """Name of a run of `canary`: `canary of prod in towpath-agent-prod-5d4-x7k2p`."""
    return f"{CANARY} of {environment} in {pod}"


def rollback_name(app: str, environment: str) -> str:
    """Name of a run of `rollback`: `rollback hello in prod`."""
    return f"{ROLLBACK} {app} in {environment}"


def app_tag(app: str) -> str:
    """`app:hello`"""
    return f"app:{app}"


def environment_tag(environment: str) -> str:
    """`environment:prod`"""
    return f"environment:{environment}"


def commit_tag(commit: str) -> str:
    """`commit:1a2b3c4`; `commit` is the short id."""
    return f"commit:{commit}"


def release_tag(digest: str) -> str:
    """`release:` and the first hex digits of the release's digest."""
    return f"release:{short_digest(digest)}"


def release_tags(app: str, commit: str, digest: str) -> list[str]:
    """What a person searches for: the app, the commit (short id), the release."""
    return [app_tag(app), commit_tag(commit), release_tag(digest)]


def person_tag(person: str) -> str:
    """`by:alice`: who started the run from the command line."""
    return f"by:{person}"


def person_of(tags: Iterable[str]) -> str:
    """Who started a run with these tags."""
    return next((tag.removeprefix("by:") for tag in tags if tag.startswith("by:")), NOBODY)


def deliver_key(app: str, commit: str, environment: str = "") -> str:
    """Idempotency key of the delivery of a whole commit id, or of images: one run for each.

    `environment` where it goes to one of several that come first.
    """
    if len(commit) > LONGEST_REVISION:  # a database may index no longer texts
        commit = hashlib.sha256(commit.encode()).hexdigest()
    return ":".join(filter(None, (DELIVER, app, commit, environment)))


def again_key(key: str, run: str) -> str:
    """Idempotency key of the run that repeats the `run` of that key, which failed: one for all who ask."""
    return f"{key}:after:{run}"


def promote_key(parent: str, environment: str) -> str:
    """Idempotency key of the promotion that the run `parent` starts."""
    return f"{PROMOTE}:{parent}:{environment}"


def joined_key(app: str, release: str, environment: str) -> str:
    """Idempotency key of the promotion that comes after several environments: one for whichever starts it."""
    return f"{PROMOTE}:{app}:{release}:{environment}"


def lock_name(environment: str) -> str:
    """The global concurrency limit that keeps two runs from writing to an environment at once."""
    return f"environment-{environment}"


def waiting_lock_name(app: str, environment: str) -> str:
    """The global concurrency limit that is held while a promotion begins to wait for approval."""
    return f"waiting-{environment}-{app}"


def status_key(environment: str) -> str:
    """Artifact: table of the apps' health and drift, which `towpath status` shows."""
    return _artifact("status", environment)


def drift_key(environment: str) -> str:
    """Artifact: what the last reconcile found, as Markdown."""
    return _artifact("drift", environment)


def trouble_key(environment: str) -> str:
    """Artifact: table of what keeps apps from being reconciled."""
    return _artifact("trouble", environment)


def adoption_key(environment: str) -> str:
    """Artifact: the proposals made of drift, as Markdown."""
    return _artifact("adopt", environment)


def plan_key(environment: str, app: str) -> str:
    """Artifact: the plan of a promotion, as Markdown."""
    return _artifact("plan", environment, app)


def scan_key(app: str) -> str:
    """Artifact: the findings in the app's newest image, as Markdown."""
    return _artifact("scan", app)


def release_key(app: str) -> str:
    """Artifact: the app's newest release, as Markdown."""
    return _artifact("release", app)


def approval_key(manifests: str, turn: int) -> str:
    """Key of the suspension that asks for answer `turn` to the plan with these manifests (a whole hash)."""
    return f"{APPROVAL}{FORM}-{manifests.removeprefix('sha256:')}-{turn}"


def is_former_answer(key: str) -> bool:
    """Whether a run input is an answer to another version of the form."""
    asked = key.removeprefix("suspended-")
    return (
        asked.startswith(APPROVAL)
        and key.endswith("-response")
        and not asked.startswith(f"{APPROVAL}{FORM}-")
    )


def verdict_key(suspension: str) -> str:
    """Run input: why the answer before the suspension of that key did not count, as a JSON text."""
    return f"verdict-{suspension}"


def asked_key(suspension: str) -> str:
    """Run input: what the suspension of that key asks, as JSON: what a signed answer must be about."""
    return f"asked-{suspension}"


def description_key(suspension: str) -> str:
    """Run input in which Prefect keeps the Markdown above a suspended run's form."""
    return f"suspended-{suspension}-description"


def short_digest(digest: str) -> str:
    """The first hex digits of `sha256:…`."""
    return digest.removeprefix("sha256:")[:SHORT_DIGEST]


def _artifact(*parts: str) -> str:
    # Prefect takes lower-case letters, digits and dashes only.
    return re.sub(r"[^a-z0-9-]+", "-", "-".join(parts).lower())
