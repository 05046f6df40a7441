"""What the chart's objects say of its parts: read from rendered objects, and from live ones alike. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.yamltext.manifest_reader import load_document

AGENT_LABEL = "towpath.dev/agent-of"
COMPONENT_LABEL = "app.kubernetes.io/component"
VERSION_LABEL = "app.kubernetes.io/version"
BUILD = "build"
"""Name of the agent that builds."""
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One key of a Secret or ConfigMap; an empty `key` stands for all of it."""

    ref: ObjectRef
    key: str = ""

    def __str__(self) -> str:
        return f"{self.ref} (key {self.key})" if self.key else str(self.ref)


@dataclass(frozen=True, slots=True)
class AgentPart:
    """An agent: the key that it signs with, and the file of those that it trusts.

    `elsewhere`: it has a kubeconfig of another cluster. `shares`: its pods share a Lease.
    """

    name: str
    deployment: ObjectRef
    account: str
    signing: Entry
    trusted: Entry
    elsewhere: bool = False
    shares: bool = False

    @property
    def environment(self) -> str | None:
        """None: the agent that builds."""
        return None if self.name == BUILD else self.name


@dataclass(frozen=True, slots=True)
class TrialRedis:
    """The small Redis beside it: its password, and its address with the password in it."""

    host: str
    password: Entry
    url: Entry


@dataclass(frozen=True, slots=True)
class Parts:
    """`places` are the environments' namespaces: namespace -> its agents. `needed` are Secrets and ConfigMaps
    that pods read and that are not among the objects, each with the pod that needs it.
    """

    agents: tuple[AgentPart, ...] = ()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    workloads: tuple[ObjectRef, ...] = ()
    server: ObjectRef | None = None
    prefect_host: str = ""
    prefect_url: str = ""
    auth: Entry | None = None
    trial_database: Entry | None = None
    trial_redis: TrialRedis | None = None
    cookie: Entry | None = None
    """What sessions of people who sign in are encrypted with."""
    needed: Mapping[Entry, str] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """The address of the Prefect API as people reach it; empty where only pods do."""
        if self.prefect_host:
            return f"https://{self.prefect_host}/api"
        inside = ".svc:" in self.prefect_url or ".svc/" in self.prefect_url
        return "" if inside else self.prefect_url

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(agent.name for agent in self.agents if agent.name != BUILD)

    @property
    def builds(self) -> bool:
        return any(agent.name == BUILD for agent in self.agents)


def read_parts(objects: Iterable[Manifest]) -> Parts:
    """The parts that these objects make."""
    by_ref = {ref_of(each): each for each in objects}
    workloads = {ref: each for ref, each in by_ref.items() if ref.kind in WORKLOADS}
    component = {(_labels(each).get(COMPONENT_LABEL), ref.kind): ref for ref, each in workloads.items()}
    server = component.get(("server", "Deployment"))
    agents = tuple(_agents(by_ref))
    auth = [entry for ref, each in workloads.items() for entry in _mounted(ref, each, "prefect")]
    ingress = next((each for ref, each in by_ref.items() if server and ref == _ingress(server)), None)
    return Parts(
        agents=agents,
        places=_places(by_ref, {agent.name for agent in agents}),
        workloads=tuple(sorted(workloads)),
        server=server,
        prefect_host=_host(ingress),
        prefect_url=_prefect_url(by_ref),
        auth=next(iter(auth), None) or (_server_auth(server, workloads[server]) if server else None),
        trial_database=_mounted_by(component.get(("database", "StatefulSet")), workloads, "password"),
        trial_redis=_trial_redis(component.get(("redis", "StatefulSet")), server, workloads),
        cookie=_mounted_by(component.get(("sso", "Deployment")), workloads, "cookie"),
        needed=_needed(workloads, by_ref.keys()),
    )


def _agents(objects: Mapping[ObjectRef, Manifest]) -> Iterator[AgentPart]:
    for ref, each in sorted(objects.items()):
        if ref.kind not in WORKLOADS:
            continue
        name = _labels(each).get(AGENT_LABEL)
        signing, trusted = list(_mounted(ref, each, "keys")), list(_mounted(ref, each, "trusted"))
        if name and signing and trusted:
            account = _pod(each).get("serviceAccountName", "")
            elsewhere = any(_mounted(ref, each, "cluster"))
            yield AgentPart(name, ref, account, signing[0], trusted[0], elsewhere, _shares(objects, ref))


def _places(objects: Mapping[ObjectRef, Manifest], agents: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for ref, each in objects.items():
        # That of all rights in a namespace; another one is of the Lease that agents share.
        if ref.kind != "RoleBinding" or (each.get("roleRef") or {}).get("kind") != "ClusterRole":
            continue
        if (name := _labels(each).get(AGENT_LABEL)) in agents:
            found.setdefault(ref.namespace, set()).add(str(name))
    return {namespace: tuple(sorted(names)) for namespace, names in sorted(found.items())}


def _needed(workloads: Mapping[ObjectRef, Manifest], made: Iterable[ObjectRef]) -> dict[Entry, str]:
    own = set(made)
    found: dict[Entry, str] = {}
    for ref, each in sorted(workloads.items()):
        for entry in _entries(ref.namespace, _pod(each)):
            if entry.ref not in own:
                found.setdefault(entry, ref.name)
    return found


def _entries(namespace: str, pod: Mapping[str, Any]) -> Iterator[Entry]:
    """Every Secret and ConfigMap that a pod does not start without."""
    for volume in pod.get("volumes") or ():
        for kind, source, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if (told := volume.get(source)) and not told.get("optional"):
                yield from _keys(kind, namespace, told[name], told.get("items"))
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        for variable in container.get("env") or ():
            for kind, source in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                told = (variable.get("valueFrom") or {}).get(source)
                if told and not told.get("optional"):
                    yield Entry(ObjectRef("", kind, namespace, told["name"]), told["key"])
    for told in pod.get("imagePullSecrets") or ():
        yield Entry(ObjectRef("", "Secret", namespace, told["name"]))


def _keys(kind: str, namespace: str, name: str, items: Any) -> Iterator[Entry]:
    ref = ObjectRef("", kind, namespace, name)
    yield from (Entry(ref, item["key"]) for item in items) if items else [Entry(ref)]


def _mounted(ref: ObjectRef, workload: Manifest, volume: str) -> Iterator[Entry]:
    """What the pod has in the volume of that name."""
    chosen = [each for each in _pod(workload).get("volumes") or () if each["name"] == volume]
    return _entries(ref.namespace, {"volumes": chosen})


def _mounted_by(ref: ObjectRef | None, workloads: Mapping[ObjectRef, Manifest], volume: str) -> Entry | None:
    return next(_mounted(ref, workloads[ref], volume), None) if ref else None


def _trial_redis(
    ref: ObjectRef | None, server: ObjectRef | None, workloads: Mapping[ObjectRef, Manifest]
) -> TrialRedis | None:
    password = _mounted_by(ref, workloads, "password")
    url = _variable(server, workloads[server], "PREFECT_REDIS_MESSAGING_URL") if server else None
    return TrialRedis(ref.name, password, url) if ref and password and url else None


def _server_auth(server: ObjectRef, workload: Manifest) -> Entry | None:
    return _variable(server, workload, "PREFECT_SERVER_API_AUTH_STRING")


def _variable(ref: ObjectRef, workload: Manifest, name: str) -> Entry | None:
    for container in _pod(workload).get("containers") or ():
        chosen = [each for each in container.get("env") or () if each["name"] == name]
        return next(_entries(ref.namespace, {"containers": [{"env": chosen}]}), None)
    return None


def _prefect_url(objects: Mapping[ObjectRef, Manifest]) -> str:
    """As the agents' files name it."""
    for ref in sorted(objects):
        if file := _agent_file(objects, ref):
            return str((file.get("prefect") or {}).get("api") or "")
    return ""


def _shares(objects: Mapping[ObjectRef, Manifest], deployment: ObjectRef) -> bool:
    """Whether the pods of an agent share a Lease, as its file says, which is called as its Deployment."""
    file = _agent_file(objects, ObjectRef("", "ConfigMap", deployment.namespace, deployment.name))
    return bool(file.get("leader"))


def _agent_file(objects: Mapping[ObjectRef, Manifest], ref: ObjectRef) -> Mapping[str, Any]:
    """Empty where this is no ConfigMap with one."""
    text = (objects.get(ref, {}).get("data") or {}).get("agent.yaml") if ref.kind == "ConfigMap" else None
    file: Mapping[str, Any] = (load_document(text, str(ref)) if text else None) or {}
    return file


def _ingress(server: ObjectRef) -> ObjectRef:
    return ObjectRef("networking.k8s.io", "Ingress", server.namespace, server.name)


def _host(ingress: Manifest | None) -> str:
    rules = ((ingress or {}).get("spec") or {}).get("rules") or ()
    return str(rules[0].get("host") or "") if rules else ""


def _pod(workload: Manifest) -> Mapping[str, Any]:
    pod: Mapping[str, Any] = workload["spec"]["template"]["spec"]
    return pod


def _labels(manifest: Manifest) -> Mapping[str, str]:
    return manifest["metadata"].get("labels") or {}
