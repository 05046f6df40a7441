"""`towpath install`: from a cluster and values to what is made, and to a system that runs.

The order: namespaces, Secrets, the chart's objects, the Prefect server's part, the agents, and what the chart
has no more. Each step finds what is done and does the rest, so that whatever broke off is run again.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from towpath.adapters.evidence.key_files import KeyFolder
from towpath.adapters.kubernetes import ApiRefusedError
from towpath.adapters.rendering.own_chart import RELEASE
from towpath.applyset.plan import Plan, PlanEntry
from towpath.engine.source.render import Rendered, digest_of
from towpath.engine.verify.rollout_status import NO_JUDGES
from towpath.engine.verify.verify import failed_error
from towpath.engine.verify.wait import Candidate, wait_healthy
from towpath.errors import RefusedError, TransientError
from towpath.install.namespaces import make_namespaces, missing_namespaces, plan_namespaces
from towpath.install.objects import Target, apply_objects, explained, plan_objects, prune_objects
from towpath.install.parts import Entry, Parts, read_parts
from towpath.install.reach import Reach, way_to_api
from towpath.install.secrets import Found, look_at_secrets, make_secrets, missing, plan_secrets
from towpath.install.server import Server, plan_server, plan_unknown, prepare_server
from towpath.objects import Manifest, ref_of
from towpath.progress import Progress

SERVER_SECONDS = 60.0
"""How long a server whose pods are ready may take to be reached from here."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is wanted where, and how this machine reaches its Prefect server."""

    target: Target
    objects: tuple[Manifest, ...]
    folder: KeyFolder
    reach: Reach
    parts: Parts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", read_parts(self.objects))

    @property
    def environments(self) -> tuple[str | None, ...]:
        """None stands for the agent that builds, and comes first."""
        return (*((None,) if self.parts.builds else ()), *self.parts.environments)


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """The plan; `missing` is what somebody has to make, with the workload whose pods need it."""

    plan: Plan
    absent: frozenset[str]
    found: Found = field(repr=False)
    missing: tuple[tuple[Entry, str], ...] = ()

    def needs(self) -> list[str]:
        """A line for each missing Secret or ConfigMap."""
        return [f"! {entry} is missing, for {pod}" for entry, pod in self.missing]

    @property
    def refused(self) -> tuple[PlanEntry, ...]:
        """What the API server or another owner refuses."""
        return tuple(entry for entry in self.plan.entries if entry.action == "skip")


def plan_installation(wanted: Installation) -> InstallPlan:
    """What would be made and changed. Writes nothing.

    Raises what keeps all of it from being done: a right that is missing, a namespace of somebody else.
    """
    target, parts = wanted.target, wanted.parts
    try:
        absent = missing_namespaces(target, parts)
        found = look_at_secrets(target.cluster, parts, absent)
    except ApiRefusedError as error:
        raise explained(error, "To install") from error
    entries = [
        *plan_namespaces(target, parts, absent),
        *plan_secrets(parts, found, wanted.folder),
        *plan_objects(target, wanted.objects, absent),
        *_plan_server(wanted, found),
    ]
    plan = Plan(RELEASE, target.namespace, tuple(entries), digest_of(wanted.objects))
    return InstallPlan(plan, absent, found, tuple(sorted(missing(parts, found).items())))


def install(
    wanted: Installation, planned: InstallPlan, progress: Progress, *, wait: bool, seconds: float
) -> tuple[str, ...]:
    """Carry the plan out. Gives what is left to be done by another `towpath install`; empty: nothing.

    `seconds` are those of each wait. Raises RefusedError before anything is written where a part of it is
    refused or missing.
    """
    require_possible(planned, wait=wait)
    target, parts = wanted.target, wanted.parts
    if planned.absent:
        with progress.step("namespaces"):
            make_namespaces(target, planned.absent)
    with progress.step("secrets"):
        make_secrets(target, parts, planned.found, wanted.folder)
    entries = planned.plan.entries
    if planned.absent:  # what a missing namespace kept from being judged
        entries = tuple(plan_objects(target, wanted.objects))
        require_possible(replace(planned, plan=replace(planned.plan, entries=entries)), wait=wait)
    with progress.step("chart"):
        apply_objects(target, wanted.objects, entries)
    if wait and parts.server:
        with progress.step("Prefect server") as step:
            _wait(wanted, [each for each in wanted.objects if _is_server(each, parts)], seconds, step.note)
    left = _prepare(wanted, progress, min(seconds, SERVER_SECONDS) if wait else None)
    if not wait:
        return (*left, "the pods were not waited for, and what the chart has no more was not deleted")
    with progress.step("agents and door") as step:
        _wait(wanted, wanted.objects, seconds, step.note)
    with progress.step("what the chart has no more"):
        prune_objects(target, wanted.objects)
    return left


def require_possible(planned: InstallPlan, *, wait: bool) -> None:
    """RefusedError with everything that is refused or missing."""
    if planned.refused:
        listed = "\n".join(f"  {entry.ref}: {entry.reason}" for entry in planned.refused)
        raise RefusedError(
            f"{len(planned.refused)} objects of the chart cannot be applied:\n{listed}",
            remedy="None of the chart was applied. `--dry-run` shows the whole plan.",
        )
    if planned.missing and wait:
        listed = "\n".join(f"  {entry}, for {pod}" for entry, pod in planned.missing)
        raise RefusedError(
            f"pods would wait for what is not there:\n{listed}",
            remedy=f"Nothing was written. {way_to(planned.missing[0][0], planned.absent)}"
            " With --no-wait it is installed all the same, and pods start once these are there.",
        )


def way_to(entry: Entry, absent: frozenset[str] = frozenset()) -> str:
    """How somebody makes a Secret or ConfigMap that install does not."""
    ref = entry.ref
    first = f"kubectl create namespace {ref.namespace}; " if ref.namespace in absent else ""
    what = "secret generic" if ref.kind == "Secret" else "configmap"
    return f"Make it: `{first}kubectl -n {ref.namespace} create {what} {ref.name} --from-file={entry.key}`."


def _plan_server(wanted: Installation, found: Found) -> list[PlanEntry]:
    try:
        with wanted.reach.api(wanted.parts, found) as api:
            return plan_server(Server(api, wanted.environments))
    except TransientError:
        return plan_unknown(wanted.environments)


def _prepare(wanted: Installation, progress: Progress, seconds: float | None) -> tuple[str, ...]:
    """What is left of the server's part. None: it is asked once, and that it does not answer is no error."""
    parts = wanted.parts
    found = look_at_secrets(wanted.target.cluster, parts)
    try:
        with (
            progress.step("pools, locks and deployments"),
            wanted.reach.api(parts, found, seconds or 0.0) as api,
        ):
            prepare_server(Server(api, wanted.environments))
    except TransientError as error:
        if seconds is None:
            return (f"work pools, locks, automation and deployments: {error.message}",)
        raise TransientError(
            f"the chart is applied, work pools are not made: {error.message}",
            remedy="`towpath doctor --cluster` says what its pods lack. If no address leads there:"
            f" {way_to_api(parts)}",
        ) from error
    return ()


def _is_server(manifest: Manifest, parts: Parts) -> bool:
    """What the server needs to answer: itself, its Service, and the small database and Redis."""
    ref, names = ref_of(manifest), {parts.server.name if parts.server else ""}
    trial = ref.kind == "StatefulSet"
    return trial or (ref.name in names and ref.kind in ("Deployment", "Service"))


def _wait(
    wanted: Installation, objects: Sequence[Manifest], seconds: float, tell: Callable[[str], None]
) -> None:
    """Until these are healthy; VerifyError names what is not, and why."""
    namespace = wanted.target.namespace
    rendered = Rendered(RELEASE, namespace, namespace, tuple(objects), digest_of(tuple(objects)))
    candidate, started = Candidate(rendered, (), whole=True), time.monotonic()
    cluster = wanted.target.cluster
    awaited = wait_healthy(cluster, [candidate], NO_JUDGES, started + seconds, lambda _, line: tell(line))[
        RELEASE
    ]
    if awaited.rollout is None:
        raise awaited.trouble or TransientError("the cluster could not be read in time")
    if not awaited.rollout.good:
        taken = time.monotonic() - started
        error = failed_error(cluster, awaited.rollout, awaited.snapshot, rendered, taken)
        error.remedy = "`towpath doctor --cluster` says what is missing. Then run it again."
        raise error
