"""Fields whose value is the API server's own default: nobody has to write them. Pure.

Only values that the server sets again when they are left out. A default that depends on a cluster (a storage
class) or cannot be changed later stays.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from towpath.fields import pointer
from towpath.objects import Manifest

Defaults = Mapping[str, Any]
"""JSON pointer, in which `*` stands for any item -> the default."""

_PROBE: Defaults = {
    "/timeoutSeconds": 1,
    "/periodSeconds": 10,
    "/successThreshold": 1,
    "/failureThreshold": 3,
    "/httpGet/scheme": "HTTP",
}
_CONTAINER: Defaults = {
    "/terminationMessagePath": "/dev/termination-log",
    "/terminationMessagePolicy": "File",
    "/resources": {},
    "/ports/*/protocol": "TCP",
    "/env/*/valueFrom/fieldRef/apiVersion": "v1",
    **{
        f"/{probe}{at}": value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for at, value in _PROBE.items()
    },
}
_POD: Defaults = {
    "/dnsPolicy": "ClusterFirst",
    "/schedulerName": "default-scheduler",
    "/terminationGracePeriodSeconds": 30,
    "/securityContext": {},
    **{f"/volumes/*/{kind}/defaultMode": 420 for kind in ("configMap", "secret", "projected", "downwardAPI")},
    "/volumes/*/hostPath/type": "",
    **{
        f"/{key}/*{at}": value for key in ("containers", "initContainers") for at, value in _CONTAINER.items()
    },
}
_JOB: Defaults = {
    "/backoffLimit": 6,
    "/completionMode": "NonIndexed",
    "/completions": 1,
    "/parallelism": 1,
    "/podReplacementPolicy": "TerminatingOrFailed",
    "/manualSelector": False,
    "/suspend": False,
    **{f"/template/spec{at}": value for at, value in _POD.items()},
}
_ALWAYS: Defaults = {"/template/spec/restartPolicy": "Always"}
_WORKLOAD: Defaults = {**_ALWAYS, **{f"/template/spec{at}": value for at, value in _POD.items()}}
_OF_SPEC: Mapping[tuple[str, str], Defaults] = {
    ("apps", "Deployment"): {
        "/progressDeadlineSeconds": 600,
        "/revisionHistoryLimit": 10,
        "/strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
        **_WORKLOAD,
    },
    ("apps", "StatefulSet"): {
        "/persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "/podManagementPolicy": "OrderedReady",
        "/revisionHistoryLimit": 10,
        "/updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "/volumeClaimTemplates/*/apiVersion": "v1",
        "/volumeClaimTemplates/*/kind": "PersistentVolumeClaim",
        "/volumeClaimTemplates/*/spec/volumeMode": "Filesystem",
        **_WORKLOAD,
    },
    ("apps", "DaemonSet"): {
        "/revisionHistoryLimit": 10,
        "/updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        **_WORKLOAD,
    },
    ("batch", "Job"): _JOB,
    ("batch", "CronJob"): {
        "/concurrencyPolicy": "Allow",
        "/failedJobsHistoryLimit": 1,
        "/successfulJobsHistoryLimit": 3,
        "/suspend": False,
        **{f"/jobTemplate/spec{at}": value for at, value in _JOB.items()},
    },
    ("", "Service"): {
        "/type": "ClusterIP",
        "/sessionAffinity": "None",
        "/internalTrafficPolicy": "Cluster",
        "/ports/*/protocol": "TCP",
    },
    ("", "PersistentVolumeClaim"): {"/volumeMode": "Filesystem"},
}
_POD_SPECS = ("/spec/template/spec", "/spec/jobTemplate/spec/template/spec")


def without_defaults(manifest: Manifest) -> Manifest:
    """A copy of an object of a built-in kind without the fields that have the server's default."""
    group, _, _ = manifest["apiVersion"].rpartition("/")
    defaults = _OF_SPEC.get((group, manifest["kind"]), {})
    rules = [
        place
        for at, value in defaults.items()
        for place in _places(manifest, pointer.parse(f"/spec{at}"))
        if _same(pointer.read(manifest, place), value)
    ]
    return pointer.without(manifest, [*rules, *_derived(manifest)])  # type: ignore[no-any-return]


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _places(value: Any, steps: tuple[str, ...], path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """The pointers of a rule's fields in a manifest."""
    if not steps:
        yield pointer.build(path)
        return
    first, rest = steps[0], steps[1:]
    if first == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, rest, (*path, index))
    elif isinstance(value, dict) and first in value:
        yield from _places(value[first], rest, (*path, first))


def _derived(manifest: Manifest) -> Iterator[str]:
    """What the server sets by another field: pull policies by the tag, names of service accounts twice."""
    for pod in _POD_SPECS:
        spec = pointer.read(manifest, pod)
        if not isinstance(spec, dict):
            continue
        if spec.get("serviceAccount") and spec["serviceAccount"] == spec.get("serviceAccountName"):
            yield f"{pod}/serviceAccount"
        for key in ("containers", "initContainers"):
            for index, container in enumerate(spec.get(key) or ()):
                if isinstance(container, dict) and container.get("imagePullPolicy") == _pull_policy(
                    str(container.get("image") or "")
                ):
                    yield f"{pod}/{key}/{index}/imagePullPolicy"
    if manifest["kind"] == "Service":
        for index, port in enumerate(pointer.read(manifest, "/spec/ports") or ()):
            if isinstance(port, dict) and port.get("targetPort") == port.get("port"):
                yield f"/spec/ports/{index}/targetPort"


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition("@")
    name, colon, version = tag[0].partition(":")
    del name
    newest = not tag[1] and (not colon or version == "latest")
    return "Always" if newest else "IfNotPresent"
