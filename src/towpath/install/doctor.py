"""`towpath doctor --cluster`: what of an installation is there, what is wrong, and the way out.

Read from structure alone: the record of what was installed, statuses and conditions, HTTP statuses, reviews
of the authorizer. Nothing is written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from towpath import __version__
from towpath.adapters.kubernetes import Cluster
from towpath.adapters.rendering.own_chart import RELEASE
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.observe import namespace_state
from towpath.engine.source.render import Rendered
from towpath.engine.verify.failure_details import explain
from towpath.engine.verify.health_snapshot import HealthPicture, read_picture
from towpath.engine.verify.rollout_status import NO_JUDGES
from towpath.errors import TowpathError
from towpath.install.account_rights import lacking_rights
from towpath.install.objects import Target, read_record
from towpath.install.parts import VERSION_LABEL, AgentPart, Parts, read_parts
from towpath.install.reach import Reach
from towpath.install.secrets import Found, look_at_secrets, missing, untrusted
from towpath.install.server_checks import check_pools, check_server
from towpath.kube.lease import lease_rights
from towpath.kube.rights import Account, roles_of
from towpath.local.programs.checks import Check, Status
from towpath.objects import Manifest, ObjectRef

_LABEL = "app.kubernetes.io/name=towpath"
_KINDS = (("apps", "Deployment"), ("apps", "StatefulSet"), ("", "ConfigMap"))
_SHOWN = 5
AGAIN = "`towpath install` makes what is missing."

Roles = Callable[[str, Account], Sequence[Manifest]]
"""Environment and account -> the Roles that `towpath rbac` prints for it."""


@dataclass(frozen=True)
class Installed:
    """An installation as it is. `wanted_roles` is None where this machine knows no environment repository."""

    target: Target
    reach: Reach
    wanted_roles: Roles | None = None

    @property
    def cluster(self) -> Cluster:
        return self.target.cluster

    @cached_property
    def record(self) -> tuple[ObjectRef, ...]:
        return read_record(self.target)

    @cached_property
    def live(self) -> dict[ObjectRef, Manifest | None]:
        """What was recorded; without a record, what is labelled as the chart labels it."""
        if self.record:
            return dict(zip(self.record, concurrently(self._get, self.record), strict=True))
        found: dict[ObjectRef, Manifest | None] = {}
        for group, kind in _KINDS:
            for each in self.cluster.list(group, kind, self.target.namespace, labels=_LABEL):
                found[ObjectRef(group, kind, self.target.namespace, each["metadata"]["name"])] = each
        return found

    @cached_property
    def objects(self) -> tuple[Manifest, ...]:
        return tuple(each for each in self.live.values() if each is not None)

    @cached_property
    def parts(self) -> Parts:
        return read_parts(self.objects)

    @cached_property
    def found(self) -> Found:
        return look_at_secrets(self.cluster, self.parts)

    @cached_property
    def rendered(self) -> Rendered:
        namespace = self.target.namespace
        workloads = set(self.parts.workloads)
        objects = tuple(each for ref, each in self.live.items() if each is not None and ref in workloads)
        return Rendered(RELEASE, namespace, namespace, objects, "")

    @cached_property
    def picture(self) -> HealthPicture:
        return read_picture(self.cluster, [self.rendered])

    def _get(self, ref: ObjectRef) -> Manifest | None:
        if (ref.group, ref.kind) not in self.cluster.discover():
            return None
        return self.cluster.get(ref)


def examine_installation(installed: Installed) -> list[Check]:
    """All checks, in the order in which what is wrong is best put right."""
    namespace = installed.target.namespace
    try:
        state = namespace_state(installed.cluster, namespace)
    except TowpathError as error:
        return [_broken("cluster", error)]
    checks = [Check("cluster", Status.OK, f"{installed.cluster.server} answers")]
    if state != "present":
        way = f"`towpath install --namespace {namespace}`, or name the right one by --namespace."
        return [*checks, Check("namespace", Status.MISSING, f"{namespace} is {state}", way)]
    steps: dict[str, Callable[[], Iterator[Check]]] = {
        "objects": lambda: _objects(installed),
        "secrets": lambda: _secrets(installed),
        "keys": lambda: _keys(installed),
        "pods": lambda: _pods(installed),
        "prefect server": lambda: check_server(installed.cluster, installed.parts),
        "pools": lambda: check_pools(installed.reach, installed.parts, installed.found),
        "rights": lambda: _rights(installed),
        "versions": lambda: _versions(installed),
    }
    for name, step in steps.items():
        try:
            checks += step()
        except TowpathError as error:
            checks.append(_broken(name, error))
        if not installed.objects:
            break
    return checks


def _objects(installed: Installed) -> Iterator[Check]:
    """Whether all that was installed is there."""
    namespace = installed.target.namespace
    if not installed.record:
        if installed.objects:
            detail = f"{len(installed.objects)} found by label; `towpath install` has made none of them"
            yield Check("objects", Status.ABSENT, detail, "Helm knows them: `helm status towpath`.")
        else:
            yield Check("objects", Status.MISSING, f"nothing is installed in {namespace}", AGAIN)
        return
    gone = [str(ref) for ref, each in installed.live.items() if each is None]
    if gone:
        yield Check("objects", Status.MISSING, f"not there: {_some(gone)}", AGAIN)
    else:
        yield Check("objects", Status.OK, f"all {len(installed.record)} that were installed are there")


def _secrets(installed: Installed) -> Iterator[Check]:
    needed, found = installed.parts.needed, installed.found
    lacking = [f"{entry} for {pod}" for entry, pod in sorted(needed.items()) if not found.has(entry)]
    if not lacking:
        yield Check("secrets", Status.OK, f"all {len(needed)} that pods read are there")
        return
    theirs = missing(installed.parts, found)
    way = "Make those: docs/guides/install.md says what is in each." if theirs else AGAIN
    yield Check("secrets", Status.MISSING, f"not there: {_some(lacking)}", way)


def _keys(installed: Installed) -> Iterator[Check]:
    problems = dict(untrusted(installed.parts, installed.found))
    for agent in installed.parts.agents:
        name = f"key {agent.name}"
        if why := problems.get(agent):
            yield Check(name, Status.MISSING, why, f"{AGAIN} It trusts the key that is there.")
        else:
            yield Check(name, Status.OK, f"in {agent.signing.ref}, and trusted")


def _pods(installed: Installed) -> Iterator[Check]:
    """Each Deployment and StatefulSet by its conditions and its pods."""
    rollout = installed.picture.judge(installed.rendered, (), NO_JUDGES)
    offenders = {each.ref for each in rollout.offenders}
    snapshot = installed.picture.family(installed.rendered)
    for each in rollout.verdicts:
        name = each.ref.name.removeprefix(f"{RELEASE}-")
        if each.ref not in offenders:
            yield Check(name, Status.OK, each.health.message or "ready")
            continue
        live = snapshot.get(each.ref)
        lines = explain(installed.cluster, live, snapshot) if live else []
        where = f"`kubectl -n {each.ref.namespace} describe {each.ref.kind.lower()} {each.ref.name}`"
        yield Check(
            name,
            Status.MISSING,
            "; ".join((f"{each.health.status}: {each.health.message}", *lines[:3])),
            f"{where} shows all of it.",
        )


def _rights(installed: Installed) -> Iterator[Check]:
    for agent in installed.parts.agents:
        if agent.environment is not None and agent.account:
            yield _rights_of(installed, agent)


def _rights_of(installed: Installed, agent: AgentPart) -> Check:
    name, account = f"rights {agent.name}", Account(installed.target.namespace, agent.account)
    if agent.elsewhere:
        return Check(name, Status.ABSENT, "its environment is in another cluster, by a kubeconfig of its own")
    if installed.wanted_roles is None:
        way = "Set TOWPATH_ENVIRONMENTS, or give --repo."
        return Check(name, Status.ABSENT, f"what {agent.name} needs is not known without its repository", way)
    try:
        roles = installed.wanted_roles(agent.name, account)
        if agent.shares:
            shared = lease_rights(account.namespace, agent.name)
            roles = [*roles, *roles_of(agent.name, account, shared, {}, agent.name)]
        lacking = lacking_rights(installed.cluster, account, roles)
    except TowpathError as error:
        return _broken(name, error)
    if not lacking:
        return Check(name, Status.OK, f"{account.name} may do what its apps need")
    return Check(
        name,
        Status.MISSING,
        f"{account.name} may not {_some(list(map(str, lacking)))}",
        f"`towpath rbac {agent.name} --namespace {account.namespace}{' --lease' if agent.shares else ''}"
        " | kubectl apply --server-side -f -`",
    )


def _versions(installed: Installed) -> Iterator[Check]:
    """Whether the parts are of one version of Towpath, and of that of this command."""
    versions: dict[str, list[str]] = {}
    for ref in installed.parts.workloads:
        labels = ((installed.live[ref] or {}).get("metadata") or {}).get("labels") or {}
        versions.setdefault(labels.get(VERSION_LABEL, "unknown"), []).append(ref.name)
    others = {version: names for version, names in versions.items() if version != __version__}
    if not others:
        yield Check("versions", Status.OK, f"all parts are of {__version__}, as this command")
        return
    told = "; ".join(f"{version}: {_some(names)}" for version, names in sorted(others.items()))
    way = "`towpath install` of this version with its images brings all to it."
    yield Check("versions", Status.MISSING, f"this command is of {__version__}, and {told}", way)


def _broken(name: str, error: TowpathError) -> Check:
    return Check(name, Status.MISSING, error.message, error.remedy or "")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
