"""Two apps in several namespaces, delivered by an account with what `towpath rbac` prints, and no more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet, workload
from tests.integration.manifests import configmap, definition, role, secret, service
from tests.integration.rights import Recorder, Used, is_used, kubeconfig_as
from tests.integration.watching import until, watching
from towpath.adapters.kubernetes import cluster as adapter
from towpath.adapters.kubernetes import connect_environment
from towpath.applyset.prune_file import dump_prune_file
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.engine.rights.rights import Asked, EnvironmentRights, rights_of
from towpath.engine.verify.failure_details import explain
from towpath.formats.versions import V2
from towpath.kube.rights import RBAC, Account, Right
from towpath.objects import Manifest, ObjectRef
from towpath.settings import Settings

DRIFTED = {"one": 12, "two": 3}
"""Objects that `edit_everything` touches."""


@dataclass
class Delivery:
    """`one` in a namespace of its own, in another one and outside of all; `two` in the environment's."""

    fleet: Fleet
    admin: Settings
    recorder: Recorder
    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    printed: list[EnvironmentRights] = field(default_factory=list)
    applied: list[Manifest] = field(default_factory=list)
    results: dict[str, ReconcileResult] = field(default_factory=dict)
    plans: dict[str, ReconcilePlan] = field(default_factory=dict)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    defined: bool = False

    @property
    def home(self) -> str:
        return self.fleet.namespace

    def content(self) -> Mapping[str, str]:
        environment = {"name": "test", "namespace": self.home, **self.fleet.environment}
        config = {"apiVersion": "towpath.dev/v2", "apps": self.config, "environments": [environment]}
        files = {"towpath.yaml": yaml.safe_dump(config), **self.fleet.files}
        for name in self.config:
            files[f"apps/{name}/test/app.yaml"] = yaml.safe_dump_all(self.fleet.apps[name])
        return files

    def give(self) -> None:
        """The account has exactly the rights that are printed now."""
        with self.recorder.not_recorded():
            context = open_context(self.admin, "test")
            asked = Asked(
                context.repo.root,
                context.repo.config,
                context.environment,
                Account(self.home, "agent"),
                context.repo.commit,
                lambda where: connect_environment(where, self.admin.connection),
            )
            printed = rights_of(asked, cache=self.admin.renders)
        self.printed.append(printed)
        documents = list(yaml.safe_load_all(printed.to_yaml()))
        for each in documents:  # environments of several tests have the same name
            each["metadata"]["name"] = f"{self.home}-rights"
            if "roleRef" in each:
                each["roleRef"]["name"] = f"{self.home}-rights"
        self.kubectl("apply", "--namespace=", "--server-side", "-f", "-", text=yaml.safe_dump_all(documents))
        self.applied += [each for each in documents if each not in self.applied]

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self.fleet.world.kubectl(*arguments, text=text)

    def edit_everything(self) -> None:
        """Somebody annotates what the apps have, and deletes one object."""
        annotate = ("annotate", "--overwrite", "edited=by-hand")
        for place, kinds in (
            ("-one", f"deployment,service,configmap,secret,role,rolebinding,widgets.{self.home}.example.com"),
            ("-more", "configmap"),
            ("", "service,configmap,serviceaccount"),
        ):
            selector = "towpath.dev/environment=test,!towpath.dev/inventory"
            self.kubectl("-n", f"{self.home}{place}", annotate[0], kinds, "-l", selector, *annotate[1:])
        for kind, name in (
            ("priorityclass", f"{self.home}-low"),
            ("namespace", f"{self.home}-new"),
            ("crd", f"widgets.{self.home}.example.com"),
        ):
            self.kubectl(annotate[0], kind, name, *annotate[1:])

    def role(self, right: Right) -> Manifest:
        """What was granted in the right's place, all in one."""
        place = right.namespace
        rules = [
            rule
            for each in self.applied
            if "rules" in each and each["metadata"].get("namespace", "") == place
            for rule in each["rules"]
        ]
        metadata = {"name": "all", **({"namespace": place} if place else {})}
        return {"kind": "Role" if place else "ClusterRole", "metadata": metadata, "rules": rules}

    def requests(self, right: Right) -> list[Used]:
        """One that asked for the right; else those that write roles in its place."""
        direct = [each for each in self._let_in(right.namespace) if is_used(right, each.rights)]
        return direct[:1] or [
            each
            for each in self._let_in(right.namespace)
            if any(asked.verb == "patch" and asked.group == RBAC for asked in each.rights)
        ]

    def another(self, right: Right) -> Used | None:
        """A request that asks for other rights in the same place, and is answered at once."""
        others = (
            each
            for each in self._let_in(right.namespace)
            if len(each.rights) == 1
            and each.rights[0].verb in ("get", "list")
            and not is_used(right, each.rights)
        )
        return next(others, None)

    def _let_in(self, place: str) -> list[Used]:
        return [each for each in self.recorder.used if not each.refused and each.rights[0].namespace == place]

    def define(self) -> None:
        """The kind that left with its app is there again."""
        if self.defined:
            return
        self.defined = True
        made = definition(f"{self.home}.example.com")
        self.kubectl("apply", "--server-side", "-f", "-", text=yaml.safe_dump(made))
        self.kubectl("wait", "--for=condition=Established", f"crd/{made['metadata']['name']}")

    def confirm_all(self) -> None:
        """Both apps leave Git, and each deletion is confirmed."""
        inventories = self.fleet.look().inspection.inventories
        for app, inventory in inventories.items():
            deletions = [(owned.ref, owned.uid) for owned in inventory.objects]
            self.fleet.files[f"apps/{app}/test/prune.yaml"] = dump_prune_file(deletions, V2, "it leaves")
        self.config.clear()


def objects_of(home: str) -> dict[str, list[Manifest]]:
    def at(manifest: Manifest, place: str) -> Manifest:
        manifest["metadata"]["namespace"] = f"{home}-{place}"
        return manifest

    def binding(name: str, kind: str, to: str) -> Manifest:
        ref = {"apiGroup": RBAC, "kind": kind, "name": to}
        return {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": ref,
            "subjects": [],
        }

    group = f"{home}.example.com"
    low = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "value": 1,
        "preemptionPolicy": "Never",
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "two"}}
    own_role = role("one")
    own_role["rules"] = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    return {
        "one": [
            workload("one"),
            service("one"),
            configmap("one-settings", A="1"),
            secret("one-password", password="a-password-of-the-test"),
            own_role,
            binding("one", "Role", "one"),
            binding("viewers", "ClusterRole", "view"),
            at(configmap("one-there", A="1"), "more"),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{home}-new"}},
            {**low, "metadata": {"name": f"{home}-low"}},
            definition(group),
            {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"a": 1}},
        ],
        "two": [service("two"), configmap("two-settings", A="1"), account],
    }


@contextmanager
def delivered(settings: Settings, folder: Path) -> Iterator[Delivery]:
    """All work that an agent does, from the first sync to the last deletion."""
    recorder = Recorder()
    with a_fleet(settings, folder) as fleet, pytest.MonkeyPatch.context() as patch:
        home = fleet.namespace
        made = Delivery(fleet, fleet.settings, recorder, folder)
        patch.setattr(fleet, "content", made.content)
        patch.setattr(adapter, "Wire", recorder.wire())
        for place in ("one", "more"):
            made.kubectl("create", "namespace", f"{home}-{place}")
        made.kubectl("create", "serviceaccount", "agent")
        token = made.kubectl("create", "token", "agent").strip()
        (folder / "agent.json").write_text(kubeconfig_as(fleet.world, token=token))
        fleet.settings = replace(fleet.settings, kubeconfig=str(folder / "agent.json"))
        fleet.apps = objects_of(home)
        fleet.environment = {
            "namespaces": [f"{home}-m*", f"{home}-new"],
            "allowClusterScoped": ["Namespace", f"PriorityClass/{home}-*", "CustomResourceDefinition"],
        }
        made.config = {"one": {"renderer": "plain", "namespace": f"{home}-one"}, "two": {"renderer": "plain"}}
        try:
            _deliver(made)
            yield made
        finally:
            for place in ("one", "more", "new"):
                made.kubectl("delete", "namespace", f"{home}-{place}", "--ignore-not-found", "--wait=false")
            for kind, name in (
                ("crd", f"widgets.{home}.example.com"),
                ("priorityclass", f"{home}-low"),
                ("clusterrolebinding", f"{home}-rights"),
                ("clusterrole", f"{home}-rights"),
            ):
                made.kubectl("delete", kind, name, "--ignore-not-found", "--wait=false")


def _deliver(made: Delivery) -> None:
    fleet, home = made.fleet, made.home
    fleet.push()
    made.give()
    made.results["first"] = fleet.reconcile()
    made.give()
    with watching(fleet.settings) as watched:
        made.edit_everything()
        until(lambda: watched.drifted() == DRIFTED, "every edit is seen", watched.drifted)
        made.seen["edited"] = watched.drifted()
        made.plans["edited"] = fleet.look()
        made.results["healed"] = fleet.reconcile()
        until(lambda: not any(watched.drifted().values()), "nothing differs any more", watched.drifted)
    made.plans["before"] = fleet.look()
    made.kubectl("delete", "configmap", "towpath-inventory-one")
    made.plans["lost"] = fleet.look()
    made.results["found"] = fleet.reconcile()
    made.plans["after"] = fleet.look()
    kept = [each for each in fleet.apps["one"] if each["metadata"]["name"] != "one-there"]
    fleet.apps["one"] = kept
    fleet.push("One object less")
    made.give()
    made.results["pruned"] = fleet.reconcile()
    _explain(made)
    made.confirm_all()
    fleet.push("Both leave")
    made.give()
    made.results["left"] = fleet.reconcile()
    made.kubectl(
        "wait", "--for=delete", f"namespace/{home}-new", f"crd/widgets.{home}.example.com", "--timeout=120s"
    )


def _explain(made: Delivery) -> None:
    """What is told of an unhealthy object, without waiting for one."""
    cluster = open_context(made.fleet.settings, "test").cluster
    for ref in (
        ObjectRef("", "Service", f"{made.home}-one", "one"),
        ObjectRef("", "Service", made.home, "two"),
    ):
        live = cluster.get(ref)
        assert live
        explain(cluster, live, {})
