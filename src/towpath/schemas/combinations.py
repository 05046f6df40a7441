"""What an API server wants of fields that depend on each other: one of several, one with another.

As `relations`, where the rules are applied; these compare no amounts and no names of one list.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from towpath.schemas.cron import schedule_problem
from towpath.schemas.problem import FieldPath, FieldProblem, shown_path

Rule = Callable[[dict[str, Any], FieldPath], Iterator[FieldProblem]]
_PROBES = ("exec", "httpGet", "tcpSocket", "grpc")
_LIFECYCLE = ("exec", "httpGet", "tcpSocket", "sleep")
_VALUE_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_VOLUME_FIELDS = frozenset(
    (
        *("accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "storageClassName"),
        *("persistentVolumeReclaimPolicy", "volumeAttributesClassName", "volumeMode"),
    )
)
"""Fields of a PersistentVolume that are no source."""
_KEYS_OF_SECRETS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def mounts(
    value: dict[str, Any], path: FieldPath, more: frozenset[str] = frozenset()
) -> Iterator[FieldProblem]:
    """Of a PodSpec: each mount and device names one of its volumes, or of `more`."""
    volumes = {each.get("name") for each in _items(value, "volumes")} | more
    for field in ("initContainers", "containers"):
        for index, container in enumerate(_items(value, field)):
            for kind in ("volumeMounts", "volumeDevices"):
                for number, each in enumerate(_items(container, kind)):
                    name = each.get("name")
                    if isinstance(name, str) and name not in volumes:
                        yield _problem(
                            (*path, field, index, kind, number, "name"), "names no volume of the pod"
                        )


def _mounts_of_stateful(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    claims = (_mapping(each, "metadata").get("name") for each in _items(value, "volumeClaimTemplates"))
    names = frozenset(name for name in claims if isinstance(name, str))
    yield from mounts(_mapping(_mapping(value, "template"), "spec"), (*path, "template", "spec"), names)


def _selects_its_pods(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    selector = _mapping(value, "selector")
    wanted, expressions = _mapping(selector, "matchLabels"), _items(selector, "matchExpressions")
    if not wanted and not expressions:
        if isinstance(value.get("selector"), dict):
            yield _problem((*path, "selector"), "must not be empty")
        return
    labels = _mapping(_mapping(_mapping(value, "template"), "metadata"), "labels")
    matches = all(labels.get(key) == each for key, each in wanted.items())
    if not matches or not all(_holds(each, labels) for each in expressions):
        yield _problem((*path, "template", "metadata", "labels"), "do not match `selector`")


def _holds(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or ()
    there = key in labels
    return {
        "In": there and labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": there,
        "DoesNotExist": not there,
    }.get(str(expression.get("operator")), True)


def _one_of(*fields: str, needed: bool = True) -> Rule:
    """Exactly one of these fields, or at most one."""

    def rule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
        yield from _count([field for field in fields if value.get(field) is not None], fields, path, needed)

    return rule


def _count(
    there: list[str], fields: tuple[str, ...], path: FieldPath, needed: bool
) -> Iterator[FieldProblem]:
    if len(there) > 1:
        yield _problem((*path, there[-1]), f"does not go with `{there[0]}`")
    elif needed and not there:
        yield _problem(path, f"must have one of {', '.join(fields)}")


def _not_with(field: str, other: str, *values: str) -> Rule:
    """`field` is not there beside these values of `other`."""

    def rule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
        if value.get(field) not in (None, "", [], 0) and value.get(other) in values:
            yield _problem((*path, field), f"does not go with `{other}: {value[other]}`")

    return rule


def _variable(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    if value.get("value") and value.get("valueFrom") is not None:
        yield _problem((*path, "valueFrom"), "does not go with `value`")


def _volume(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    there = [field for field, each in value.items() if field != "name" and each is not None]
    yield from _count(there, (), path, needed=False)


def _persistent_volume(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    there = [field for field, each in value.items() if field not in _VOLUME_FIELDS and each is not None]
    yield from _count(there, ("csi", "nfs", "hostPath", "local", "…"), path, needed=True)


def _pod(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    if value.get("containers") == []:
        yield _problem((*path, "containers"), "must not be empty")
    if value.get("dnsPolicy") == "None" and not _mapping(value, "dnsConfig").get("nameservers"):
        yield _problem((*path, "dnsConfig", "nameservers"), "is missing, where `dnsPolicy` is None")
    if value.get("hostNetwork") is not True:
        return
    for field in ("initContainers", "containers"):
        for index, container in enumerate(_items(value, field)):
            for number, port in enumerate(_items(container, "ports")):
                if port.get("hostPort") not in (None, 0, port.get("containerPort")):
                    place = (*path, field, index, "ports", number, "hostPort")
                    yield _problem(place, "must equal `containerPort`, where `hostNetwork` is true")


def _container(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    image = value.get("image")
    if isinstance(image, str) and image != image.strip():
        yield _problem((*path, "image"), "must not begin or end with white space")


def _privileges(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    added = _mapping(value, "capabilities").get("add")
    may = value.get("privileged") is True or (isinstance(added, list) and "CAP_SYS_ADMIN" in added)
    if may and value.get("allowPrivilegeEscalation") is False:
        yield _problem((*path, "allowPrivilegeEscalation"), "must not be false in a privileged container")


def _toleration(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _not_with("value", "operator", "Exists")(value, path)
    if not value.get("key") and value.get("operator") != "Exists":
        yield _problem((*path, "operator"), "must be Exists, where there is no `key`")


def _service(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    kind = value.get("type")
    if kind == "ExternalName" and not value.get("externalName"):
        yield _problem((*path, "externalName"), "is missing")
    if kind in ("NodePort", "LoadBalancer") and value.get("clusterIP") == "None":
        yield _problem((*path, "clusterIP"), f"must not be None, where `type` is {kind}")


def _ingress_path(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    text = value.get("path") or ""
    may_be_empty = value.get("pathType") == "ImplementationSpecific"
    if isinstance(text, str) and not text.startswith("/") and (text or not may_be_empty):
        yield _problem((*path, "path"), "must begin with `/`")


def _schedule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    schedule = value.get("schedule")
    if isinstance(schedule, str) and schedule and (reason := schedule_problem(schedule)):
        yield _problem((*path, "schedule"), reason)


def _secret(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    there = _mapping(value, "data").keys() | _mapping(value, "stringData").keys()
    for key in _KEYS_OF_SECRETS.get(str(value.get("type")), ()):
        if key not in there:
            yield _problem((*path, "data", key), f"is missing in a Secret of type {value['type']}")


def _rule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    paths, resources = value.get("nonResourceURLs"), value.get("resources")
    if value.get("verbs") == []:
        yield _problem((*path, "verbs"), "must not be empty")
    if paths and (resources or value.get("apiGroups")):
        yield _problem((*path, "nonResourceURLs"), "does not go with `apiGroups` and `resources`")
    elif not paths:
        for field in ("apiGroups", "resources"):
            if not value.get(field):
                yield _problem((*path, field), "is missing")


def _role(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    for index, each in enumerate(_items(value, "rules")):
        if each.get("nonResourceURLs"):
            yield _problem((*path, "rules", index, "nonResourceURLs"), "is for a ClusterRole alone")


def _binding(*kinds: str, is_namespaced: bool) -> Rule:
    def rule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
        kind = _mapping(value, "roleRef").get("kind")
        if isinstance(kind, str) and kind not in kinds:
            yield _problem((*path, "roleRef", "kind"), f"must be {' or '.join(kinds)}")
        for index, each in enumerate(_items(value, "subjects")):
            missing = each.get("kind") == "ServiceAccount" and not each.get("namespace")
            if missing and not is_namespaced:
                yield _problem((*path, "subjects", index, "namespace"), "is missing")

    return rule


def _peer(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    selectors = [field for field in ("podSelector", "namespaceSelector") if value.get(field) is not None]
    block = ["ipBlock"] if value.get("ipBlock") is not None else []
    yield from _count([*selectors[:1], *block], ("ipBlock", "namespaceSelector", "podSelector"), path, True)


def _problem(path: FieldPath, text: str) -> FieldProblem:
    return FieldProblem(path, f"`{shown_path(path)}` {text}")


def _mapping(value: Mapping[str, Any], field: str) -> dict[str, Any]:
    inner = value.get(field)
    return inner if isinstance(inner, dict) else {}


def _items(value: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """The items of a list, others than mappings as empty ones, so that each keeps its number."""
    inner = value.get(field)
    return [each if isinstance(each, dict) else {} for each in inner] if isinstance(inner, list) else []


_STATEFUL = "io.k8s.api.apps.v1.StatefulSetSpec"
RULES: dict[str, tuple[tuple[Rule, str], ...]] = {
    _STATEFUL: ((_selects_its_pods, ""), (_mounts_of_stateful, "")),
    "io.k8s.api.apps.v1.DaemonSetSpec": ((_selects_its_pods, ""),),
    "io.k8s.api.apps.v1.DeploymentSpec": ((_selects_its_pods, ""),),
    "io.k8s.api.apps.v1.DeploymentStrategy": ((_not_with("rollingUpdate", "type", "Recreate"), ""),),
    "io.k8s.api.apps.v1.ReplicaSetSpec": ((_selects_its_pods, ""),),
    "io.k8s.api.apps.v1.StatefulSetUpdateStrategy": ((_not_with("rollingUpdate", "type", "OnDelete"), ""),),
    "io.k8s.api.batch.v1.CronJobSpec": ((_schedule, ""),),
    "io.k8s.api.core.v1.Container": ((_container, ""),),
    "io.k8s.api.core.v1.EnvVar": ((_variable, ""),),
    "io.k8s.api.core.v1.EnvVarSource": ((_one_of(*_VALUE_SOURCES), ""),),
    "io.k8s.api.core.v1.LifecycleHandler": ((_one_of(*_LIFECYCLE), ""),),
    "io.k8s.api.core.v1.PersistentVolumeSpec": ((_persistent_volume, ""),),
    "io.k8s.api.core.v1.PodSpec": ((_pod, ""), (mounts, _STATEFUL)),
    "io.k8s.api.core.v1.Probe": ((_one_of(*_PROBES), ""),),
    "io.k8s.api.core.v1.Secret": ((_secret, ""),),
    "io.k8s.api.core.v1.SecurityContext": ((_privileges, ""),),
    "io.k8s.api.core.v1.ServiceSpec": ((_service, ""),),
    "io.k8s.api.core.v1.Toleration": ((_toleration, ""),),
    "io.k8s.api.core.v1.Volume": ((_volume, ""),),
    "io.k8s.api.networking.v1.HTTPIngressPath": ((_ingress_path, ""),),
    "io.k8s.api.networking.v1.NetworkPolicyPeer": ((_peer, ""),),
    "io.k8s.api.policy.v1.PodDisruptionBudgetSpec": (
        (_one_of("minAvailable", "maxUnavailable", needed=False), ""),
    ),
    "io.k8s.api.rbac.v1.ClusterRoleBinding": ((_binding("ClusterRole", is_namespaced=False), ""),),
    "io.k8s.api.rbac.v1.PolicyRule": ((_rule, ""),),
    "io.k8s.api.rbac.v1.Role": ((_role, ""),),
    "io.k8s.api.rbac.v1.RoleBinding": ((_binding("Role", "ClusterRole", is_namespaced=True), ""),),
}
"""Definition -> (rule, definition inside of which a server does not apply it)."""
