"""One app in a namespace of its own on the real API server, with kubectl as a person would use it."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from towpath.adapters.kubernetes import Cluster, connect
from towpath.applyset.hooks import split_hooks
from towpath.applyset.inventory import Inventory
from towpath.applyset.inventory_configmap import from_configmap
from towpath.applyset.plan import Plan
from towpath.config import Environment, parse_config
from towpath.drift.model import DriftReport
from towpath.engine.apply.prune import prune_app
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.sync_result import SyncResult
from towpath.engine.preview.plan import plan_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import Rendered, digest_of
from towpath.fields.canonical import digest, without_server_fields
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.settings import Settings

REVISION = "deployment.kubernetes.io/revision"
"""The annotation that the controller of Deployments writes."""
CLUSTER_SCOPED = (
    *("Namespace", "CustomResourceDefinition", "ClusterRole", "APIService"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
CONFIG = "apiVersion: towpath.dev/v2\nenvironments: [{name: test, namespace: %s}]\n"


@dataclass
class World:
    """One app in one environment; `objects` is what Git has."""

    cluster: Cluster
    kubectl_path: Path
    kubeconfig: Path
    namespace: str
    app: str = "hello"
    objects: list[Manifest] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        environment = {"name": "test", "namespace": self.namespace, **self.settings}
        apps = {self.app: {"image": "registry.example.com/app"}}
        config = {"apiVersion": "towpath.dev/v2", "apps": apps, "environments": [environment]}
        return parse_config(json.dumps(config)).environments[0]

    @property
    def rendered(self) -> Rendered:
        objects = tuple(deepcopy(self.objects))
        for manifest in objects:
            if manifest["kind"] not in CLUSTER_SCOPED:
                manifest["metadata"].setdefault("namespace", self.namespace)
        kept, hooks = split_hooks(objects)
        return Rendered(self.app, "test", self.namespace, kept, digest_of(objects), hooks=hooks)

    def plan(self, **options: Any) -> Plan:
        return plan_app(self.cluster, self.rendered, self.environment, **options)

    def sync(self, *, commit: str = "c" * 40, **options: Any) -> SyncResult:
        """Apply, and prune as after a verification."""
        applied = self.apply(commit=commit, **options)
        shared = {name: options[name] for name in ("confirmed", "on_progress") if name in options}
        pruned = self.prune(**shared)
        ended = {each.ref for each in pruned.results}
        results = tuple(each for each in applied.results if each.ref not in ended) + pruned.results
        return replace(applied, results=results, inventory=pruned.inventory)

    def apply(self, *, commit: str = "c" * 40, **options: Any) -> SyncResult:
        return sync_app(self.cluster, self.rendered, self.environment, commit=commit, **options)

    def inventory(self) -> Inventory:
        """As it is in the cluster."""
        return from_configmap(self.live("configmap", f"towpath-inventory-{self.app}"))

    def prune(self, **options: Any) -> SyncResult:
        return prune_app(self.cluster, self.rendered, **options)

    def drift(self) -> DriftReport:
        return inspect(self.cluster, self.environment, [self.rendered], commit="c" * 40).report

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            [self.kubectl_path, "--kubeconfig", self.kubeconfig, "-n", self.namespace, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            # It lives for a tenth of a second, of which its garbage collector would take a third.
            env={**os.environ, "GOGC": "off"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def live(self, kind: str, name: str) -> Manifest:
        """As the server has it now; `kind` as kubectl takes it."""
        live = self.find(kind, name)
        assert live is not None, f"{kind} {name} is not there"
        return live

    def find(self, kind: str, name: str) -> Manifest | None:
        """The same, or None when it is not there.

        kubectl is asked only where it has to know the kind: each start of it costs as much as a sync.
        """
        observer = _observer(self.kubeconfig)
        found = [each for each in observer.discover().by_kind if each[1].lower() == kind.lower()]
        if len(found) != 1 or "." in found[0][0] or found[0] == ("", "Secret"):
            shown = ("-o", "json", "--show-managed-fields", "--ignore-not-found")
            text = self.kubectl("get", kind, name, *shown)
            return json.loads(text) if text else None
        namespace = self.namespace if observer.resource(*found[0]).namespaced else ""
        return observer.get(ObjectRef(*found[0], namespace, name))

    def versions(self) -> dict[str, str]:
        """What changes with every write of ours: the resourceVersion, but where controllers write a status,
        the content and the managers' times."""
        refs = [ref_of(manifest) for manifest in self.rendered.objects]
        found = {str(ref): self.cluster.get(ref) for ref in refs}
        found["inventory"] = self.live("configmap", f"towpath-inventory-{self.app}")
        return {name: version_of(live) for name, live in found.items() if live}


@lru_cache
def _observer(kubeconfig: Path) -> Cluster:
    """A connection that no test makes faults in."""
    return connect(str(kubeconfig))


def version_of(live: Manifest) -> str:
    """What `World.versions` has of one object."""
    if "status" not in live:
        return str(live["metadata"]["resourceVersion"])
    kept = [e for e in live["metadata"]["managedFields"] if e.get("manager") != "kube-controller-manager"]
    content = deepcopy(without_server_fields(live))
    annotations = content["metadata"].pop("annotations", None) or {}
    content["metadata"]["annotations"] = {k: value for k, value in annotations.items() if k != REVISION}
    return digest([content, kept])


@contextmanager
def throw_away(settings: Settings, *, create: bool = True) -> Iterator[World]:
    """A world of its own; its namespace is deleted in the end, without waiting for it."""
    assert settings.kubeconfig
    kubeconfig, kubectl = Path(settings.kubeconfig), settings.tools / "kubectl"
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    world = World(connect(str(kubeconfig)), kubectl, kubeconfig, namespace)
    if create:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        _observer(kubeconfig).create(made, field_manager="kubectl-create")
    try:
        yield world
    finally:
        _observer(kubeconfig).delete(ObjectRef("", "Namespace", "", namespace))
