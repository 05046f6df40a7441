"""App `hello` released in dev and prod by a real environment repository, beside a small API server."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.cli.api_server import ApiServer
from tests.unit.engine.source.promotions import World, release
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.cli.main import main
from towpath.objects import Manifest, ref_of

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
IMAGE = release(1).references


def deployment(namespace: str, name: str = "web") -> Manifest:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": name, "image": IMAGE}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def configmap(namespace: str, name: str = "settings") -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"A": "1"}}


@dataclass
class RunningApp:
    """What people see of it."""

    world: World
    api: ApiServer

    def begin(self, *environments: str) -> "RunningApp":
        """Release it in these environments, with a Deployment and a ConfigMap."""
        files = {"towpath.yaml": CONFIG}
        for name in environments:
            for manifest in (deployment(name), configmap(name)):
                files[f"apps/hello/{name}/{manifest['kind'].lower()}.yaml"] = json.dumps(manifest)
        self.world.write(files, "Write the app\n\nMark: 1\n", ("Mark", "1"))
        for name in environments:
            self.world.promote(1, name, verified=True)
        return self

    def apply(self, environment: str, *more: Manifest, ready: bool = True) -> None:
        """As a sync and the cluster's controllers leave it; `more` has left Git."""
        web = deployment(environment)
        count = {"availableReplicas": 1, "readyReplicas": 1} if ready else {"unavailableReplicas": 1}
        web["status"] = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, **count}
        web["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
        applied = (web, configmap(environment), *more)
        owner = Owner("hello", environment, environment)
        for each in applied:
            each["metadata"]["labels"] = owner.labels
        self.api.add(*applied)
        owned = tuple(OwnedObject(ref_of(each), each["metadata"]["uid"]) for each in applied)
        commit = self.world.checkout().commit
        self.api.add(to_configmap(Inventory(owner, commit, "sha256:0", owned)))
        self.api.add(self.replica_set(environment), self.pod(environment, ready=ready))

    def replica_set(self, namespace: str, name: str = "web-1", replicas: int = 1) -> Manifest:
        owner = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "Deployment-web"}]
        annotations = {"deployment.kubernetes.io/revision": name.removeprefix("web-")}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name, "namespace": namespace, "ownerReferences": owner, "annotations": annotations,
            },
            "spec": {"replicas": replicas},
            "status": {"replicas": replicas, "availableReplicas": replicas, "observedGeneration": 1},
        }  # fmt: skip

    def pod(self, namespace: str, name: str = "web-1-a", *, ready: bool = True) -> Manifest:
        """One that is ready, or one whose container fails again and again."""
        state: dict[str, Any] = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
        container = {"name": "web", "ready": ready, "restartCount": 0 if ready else 4, "state": state}
        container["imageID"] = IMAGE
        ready_condition = {"type": "Ready", "status": str(ready)}
        owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "ReplicaSet-web-1"}]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "ownerReferences": owner},
            "spec": {"containers": [{"name": "web", "image": IMAGE}]},
            "status": {"phase": "Running", "conditions": [ready_condition], "containerStatuses": [container]},
        }

    def event(self, about: Manifest, reason: str, message: str, *, count: int = 1) -> Manifest:
        metadata, name = about["metadata"], f"{about['metadata']['name']}.{reason}"
        involved = {"kind": about["kind"], "name": metadata["name"], "uid": metadata["uid"]}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": involved,
            "type": "Warning",
            "reason": reason,
            "message": message,
            "count": count,
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }

    def run(self, *arguments: str) -> Result:
        """`towpath ARGUMENTS`, as the person whose variables are set."""
        return CliRunner().invoke(main, arguments)


def set_variables(app: RunningApp, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a kubeconfig, a cache and an environment repository."""
    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": app.api.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    kubeconfig.write_text(json.dumps(config))
    for name in ("PREFECT_API_URL", "TOWPATH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(folder),
        "KUBECONFIG": str(kubeconfig),
        "TOWPATH_HOME": str(folder / "home"),
        "TOWPATH_ENVIRONMENTS": app.world.url,
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(app.world.cache),
        "TOWPATH_TRUSTED_KEYS": str(app.world.keys.trusted_file),
    }.items():
        monkeypatch.setenv(name, value)
