"""Objects to measure with: many ConfigMaps, or the mix of kinds that applications are made of."""

from collections.abc import Callable, Mapping

from towpath.objects import Manifest

TEXT = "".join(f"key-{number}: value {number}\n" for number in range(12))


def configmaps(count: int) -> list[Manifest]:
    """`count` ConfigMaps of about 300 bytes."""
    return [_configmap(f"settings-{number:05}") for number in range(count)]


def mix(count: int) -> list[Manifest]:
    """`count` objects: applications of seven objects each, with no pods to run."""
    objects: list[Manifest] = []
    while len(objects) < count:
        objects += _application(f"app-{len(objects) // 7:04}")
    return objects[:count]


WORKLOADS: Mapping[str, Callable[[int], list[Manifest]]] = {"configmaps": configmaps, "mix": mix}


def _configmap(name: str) -> Manifest:
    data = {"LEVEL": "info", "GREETING": f"hello from {name}", "config.yaml": TEXT}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _application(name: str) -> list[Manifest]:
    labels = {"app.kubernetes.io/name": name}
    metadata = {"name": name, "labels": labels}
    container = {
        "name": "app",
        "image": f"registry.example.com/{name}@sha256:{'0' * 64}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": name}}, {"secretRef": {"name": name}}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
    }
    pods = {
        "metadata": {"labels": labels},
        "spec": {"serviceAccountName": name, "containers": [container]},
    }
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"]}
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name}],
    }
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        _configmap(name) | {"metadata": metadata},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"token": "bm90IGEgc2VjcmV0"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {"apiVersion": rbac, "kind": "Role", "metadata": metadata, "rules": [rule]},
        {"apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata, **binding},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            # Headless: a small cluster has fewer addresses than this needs.
            "spec": {"clusterIP": "None", "selector": labels, "ports": ports},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pods},
        },
    ]
