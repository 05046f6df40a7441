"""Values that are valid and unusual: written once, then as in Git, and no drift, whichever way one looks."""

from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World
from towpath.engine.reconcile.detect import inspect
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


def changed(manifest: Manifest, **fields: Any) -> Manifest:
    return {**manifest, **fields}


def with_metadata(manifest: Manifest, **fields: Any) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **fields}}


def with_spec(manifest: Manifest, **fields: Any) -> Manifest:
    return {**manifest, "spec": {**manifest["spec"], **fields}}


def with_template(**fields: Any) -> Manifest:
    made = deployment()
    made["spec"]["template"]["metadata"].update(fields)
    return made


def with_pod(**fields: Any) -> Manifest:
    made = deployment()
    made["spec"]["template"]["spec"].update(fields)
    return made


def with_container(**fields: Any) -> Manifest:
    made = deployment()
    made["spec"]["template"]["spec"]["containers"][0].update(fields)
    return made


def claim(**fields: Any) -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **fields}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "hello"}, "spec": spec}


def stateful(template: Manifest) -> Manifest:
    made = deployment()
    made["spec"] |= {"serviceName": "hello", "volumeClaimTemplates": [template]}
    return made | {"kind": "StatefulSet"}


def of(version: str, kind: str, spec: Any, **more: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "hello"}, "spec": spec, **more}


CLAIM = claim()
DATA = {"metadata": {"name": "data", "creationTimestamp": None}, "spec": CLAIM["spec"]}
CASES: dict[str, Manifest] = {
    "null text of a Secret": secret("hello", a=None, b="x"),  # type: ignore[arg-type]
    "null data of a Secret": changed(secret("hello"), stringData=None, data={"a": None, "b": "eA=="}),
    "no data at all": changed(secret("hello"), stringData={}, data={}),
    "null in a ConfigMap": configmap("hello", a=None, b="x"),  # type: ignore[arg-type]
    "no binary data": changed(configmap("hello", a="x"), binaryData={}),
    "immutable is null": changed(configmap("hello", a="x"), immutable=None),
    "an empty annotation and label": with_metadata(
        configmap("hello", a="x"), annotations={"b": ""}, labels={"b": ""}
    ),
    "null metadata": with_metadata(configmap("hello", a="x"), finalizers=None, ownerReferences=[]),
    "template without annotations": with_template(annotations={}, creationTimestamp=None),
    "template with null annotations": with_template(annotations=None, name="", namespace=""),
    "empty fields of a pod": with_pod(
        nodeSelector={}, volumes=[], initContainers=[], securityContext={}, affinity={}, tolerations=[],
        hostAliases=[], imagePullSecrets=[], topologySpreadConstraints=[],
    ),
    "null fields of a pod": with_pod(
        nodeSelector=None, volumes=None, initContainers=None, securityContext=None, affinity=None,
        tolerations=None, serviceAccountName=None, restartPolicy=None,
    ),
    "empty fields of a container": with_container(
        env=[], envFrom=[], ports=[], command=[], args=[], volumeMounts=[], resources={}, securityContext={},
        lifecycle={},
    ),
    "null fields of a container": with_container(
        env=None, ports=None, command=None, resources=None, livenessProbe=None, imagePullPolicy=None
    ),
    "a null value": with_container(env=[{"name": "A", "value": None}, {"name": "B", "value": ""}]),
    "a null source": with_container(env=[{"name": "A", "value": "x", "valueFrom": None}]),
    "amounts in other words": with_container(
        resources={"requests": {"cpu": 0.5, "memory": "1024Mi"}, "limits": {"cpu": 1, "memory": "2e9"}}
    ),
    "a whole number with a point": with_spec(deployment(), replicas=0.0, minReadySeconds=10.0),
    "a strategy by halves": with_spec(deployment(), strategy={"rollingUpdate": {"maxSurge": "50%"}}),
    "a null strategy": with_spec(deployment(), strategy=None, paused=False, revisionHistoryLimit=10),
    "a claim template as it was exported": stateful({**DATA, "status": {}}),
    "a claim template with its kind": stateful({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **DATA}),
    "an empty selector of a claim": claim(selector={}, volumeMode=None),
    "a port by its number as a text": with_spec(service(), ports=[{"port": 80, "targetPort": "http"}]),
    "empty lists of a Service": with_spec(
        service(), externalIPs=[], loadBalancerSourceRanges=[], sessionAffinityConfig=None, clusterIP=None
    ),
    "a Service with its status": changed(service(), status={"loadBalancer": {}}),
    "an empty address": with_spec(service(), clusterIP="", externalName=""),
    "no rules": changed(role(), rules=[]),
    "null rules": changed(role(), rules=None),
    "rules with empty lists": changed(
        role(), rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": []}]
    ),
    "nobody is bound": {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "hello"},
        "roleRef": {"kind": "Role", "name": "hello"}, "subjects": [],
    },
    "all pods": of("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": {}, "ingress": [{}]}),
    "no traffic": of(
        "networking.k8s.io/v1", "NetworkPolicy",
        {"podSelector": {}, "ingress": [], "policyTypes": ["Ingress"]},
    ),
    "any namespace": of(
        "networking.k8s.io/v1", "NetworkPolicy",
        {"podSelector": {"matchLabels": {}}, "egress": [{"to": [{"namespaceSelector": {}}], "ports": []}]},
    ),
    "no limits": of("v1", "ResourceQuota", {"hard": {}}),
    "a budget": of("policy/v1", "PodDisruptionBudget", {"selector": {}, "maxUnavailable": "0%"}),
    "an account": {
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "hello"}, "secrets": [],
        "imagePullSecrets": [], "automountServiceAccountToken": None,
    },
    "an ingress without rules": of(
        "networking.k8s.io/v1", "Ingress",
        {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}, "rules": [], "tls": []},
        status={"loadBalancer": {}},
    ),
    "a class by its annotation": with_metadata(
        of(
            "networking.k8s.io/v1", "Ingress",
            {"defaultBackend": {"service": {"name": "a", "port": {"name": "http"}}}},
        ),
        annotations={"kubernetes.io/ingress.class": "none"},
    ),
    "an autoscaler": of(
        "autoscaling/v2", "HorizontalPodAutoscaler",
        {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
            "maxReplicas": 2, "metrics": [], "behavior": {},
        },
    ),
    "a CronJob": of(
        "batch/v1", "CronJob",
        {
            "schedule": "@yearly", "suspend": None, "timeZone": None,
            "jobTemplate": {
                "metadata": {"creationTimestamp": None, "annotations": {}},
                "spec": {
                    "template": {
                        "metadata": {"creationTimestamp": None, "labels": None},
                        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "x"}]},
                    }
                },
            },
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_written_once_and_then_as_in_git(world: World, case: str) -> None:
    number = list(CASES).index(case)
    world.app, world.objects = f"odd-{number}", [with_metadata(CASES[case], name=f"odd-{number}")]
    world.sync()
    before = world.versions()
    again = world.sync()
    assert again.changes == ()
    assert world.versions() == before
    assert [str(entry) for entry in world.plan().entries if entry.action != "unchanged"] == []
    for deep in (False, True):
        found = inspect(world.cluster, world.environment, [world.rendered], commit="c" * 40, deep=deep).report
        assert [entry for entry in found.entries if entry.app == world.app] == []


def test_a_null_text_of_a_secret_is_empty(world: World) -> None:
    world.app, world.objects = "null", [secret("null", a=None, b="x")]  # type: ignore[arg-type]
    world.sync()
    assert world.live("secret", "null")["data"] == {"a": "", "b": "eA=="}
