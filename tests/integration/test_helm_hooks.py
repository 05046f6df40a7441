"""A Helm chart with hooks of every kind, rendered from a folder and synced: its Jobs run as pods."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.world import World, throw_away
from towpath.applyset.inventory_configmap import from_configmap
from towpath.config import Config, parse_config
from towpath.engine.source.render import Rendered, render_app
from towpath.errors import SyncError

pytestmark = pytest.mark.integration

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Boat, plural: boats, singular: boat}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: NAME
  annotations:
    helm.sh/hook: WHEN
    helm.sh/hook-weight: "WEIGHT"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      serviceAccountName: ACCOUNT
      containers:
        - name: hook
          image: {{ .Values.image }}
          command: [sh, -c, SCRIPT]
          env:
            - {name: GREETING, valueFrom: {configMapKeyRef: {name: SETTINGS, key: greeting}}}
"""
MARKED = """\
apiVersion: v1
kind: KIND
metadata:
  name: NAME
  annotations:
    helm.sh/hook: WHEN
    helm.sh/hook-weight: "WEIGHT"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
"""
CONFIGMAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n"
DATA = "data: {greeting: {{ .Values.greeting }}}\n"
BOAT = "apiVersion: GROUP/v1\nkind: Boat\nmetadata: {name: boat}\nspec: {crew: 3}\n"
TEST_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: tested, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: test, image: {{ .Values.image }}}]}
"""
BEFORE, AFTER = "pre-install,pre-upgrade", "post-install,post-upgrade"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def filled(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(name, value)
    return template


def job(name: str, when: str, weight: int, script: str, account: str = "migrator") -> str:
    settings = "settings" if when == BEFORE else "app"
    return filled(
        JOB,
        NAME=name,
        WHEN=when,
        WEIGHT=str(weight),
        SCRIPT=json.dumps(script),
        ACCOUNT=account,
        SETTINGS=settings,
    )


def marked(kind: str, name: str, when: str, weight: int) -> str:
    return filled(MARKED, KIND=kind, NAME=name, WHEN=when, WEIGHT=str(weight))


@dataclass
class ChartWorld(World):
    """What Git has is a chart in `checkout`."""

    checkout: Path = Path()
    tools: Path = Path()

    @property
    def config(self) -> Config:
        environment = {"name": "test", "namespace": self.namespace, **self.settings}
        apps = {self.app: {"image": "127.0.0.1:5000/none", "renderer": "helm"}}
        return parse_config(
            json.dumps({"apiVersion": "towpath.dev/v2", "apps": apps, "environments": [environment]})
        )

    @property
    def rendered(self) -> Rendered:
        return render_app(self.checkout, self.config, self.app, "test", tools=self.tools)

    def write(self, name: str, text: str) -> None:
        path = self.checkout / "apps" / self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def uids(self) -> dict[str, str]:
        """Of every Job, by name."""
        jobs = self.cluster.list("batch", "Job", self.namespace)
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in jobs}


@pytest.fixture
def world(stack, tmp_path: Path) -> Iterator[ChartWorld]:
    with throw_away(stack.settings) as plain:
        world = ChartWorld(**vars(plain), checkout=tmp_path, tools=stack.settings.tools)
        world.settings["allowClusterScoped"] = ["CustomResourceDefinition"]
        group = f"{world.namespace}.example.com"
        crew = f"test -s {TOKEN} && test $GREETING != wrong && echo ready"
        chart = {
            "Chart.yaml": "apiVersion: v2\nname: hello\nversion: 0.1.0\n",
            "crds/boats.yaml": filled(CRD, GROUP=group),
            "templates/boat.yaml": filled(BOAT, GROUP=group),
            "templates/app.yaml": CONFIGMAP + DATA,
            "templates/tests/test.yaml": TEST_POD,
            # Names that say the contrary of the order: weights decide.
            "templates/account.yaml": marked("ServiceAccount", "migrator", f"{BEFORE},{AFTER}", 9),
            "templates/settings.yaml": marked("ConfigMap", "settings", BEFORE, 8) + DATA,
            "templates/late.yaml": marked("ConfigMap", "late", AFTER, -9) + DATA,
            "templates/a.yaml": job("a-second", BEFORE, 2, crew),
            "templates/z.yaml": job("z-first", BEFORE, -2, crew),
            "templates/warm.yaml": job("warm", AFTER, 0, crew),
        }
        for name, text in chart.items():
            world.write(f"base/{name}", text)
        world.write("test/values.yaml", f"greeting: hello\nimage: {stack.registry}/base/busybox:1\n")
        try:
            yield world
        finally:
            world.kubectl("delete", "crd", f"boats.{group}", "--ignore-not-found", "--wait=false")


def test_a_charts_hooks_run_around_its_objects_with_what_they_need(world: ChartWorld) -> None:
    order = [f"boats.{world.namespace}.example.com", "settings", "migrator"]
    order += ["z-first", "a-second", "app", "boat", "late", "warm"]
    plan = world.plan()
    assert [(each.ref.name, each.action) for each in plan.entries] == [(name, "create") for name in order]
    done: list[str] = []
    world.sync(on_progress=lambda each: done.append(each.ref.name))
    assert done == order
    assert world.uids().keys() == {"z-first", "a-second", "warm"}
    assert world.kubectl("get", "pod", "tested", "--ignore-not-found") == "", "test hooks are left out"

    # The same commit again: nothing is written, nothing runs.
    jobs, before = world.uids(), world.versions()
    assert world.sync().changes == ()
    assert world.plan().changes == ()
    assert (world.uids(), world.versions()) == (jobs, before)
    assert world.drift().entries == ()

    # A new commit runs them all again; what they need stays what it is.
    account = world.live("serviceaccount", "migrator")["metadata"]["uid"]
    values = (world.checkout / "apps/hello/test/values.yaml").read_text()
    world.write("test/values.yaml", values.replace("hello\n", "ahoy\n", 1))
    result = world.sync(commit="d" * 40)
    configured = [each.ref.name for each in result.results if each.result == "configured"]
    assert configured == ["settings", "app", "late"]
    assert all(world.uids()[name] != uid for name, uid in jobs.items())
    assert world.live("serviceaccount", "migrator")["metadata"]["uid"] == account


def test_a_failing_hook_of_a_chart_stops_the_apply(world: ChartWorld) -> None:
    world.write("base/templates/z.yaml", job("z-first", BEFORE, -2, "echo no migration; exit 3"))
    with pytest.raises(SyncError, match=r"(?s)Job .*/z-first: hook failed.*logs job/z-first"):
        world.sync()
    assert world.uids().keys() == {"z-first"}
    assert world.kubectl("get", "configmap", "app", "late", "--ignore-not-found") == ""
    assert world.live("configmap", "settings")["data"] == {"greeting": "hello"}
    inventory = from_configmap(world.live("configmap", f"towpath-inventory-{world.app}"))
    assert {owned.ref.name for owned in inventory.objects if owned.uid} == {
        f"boats.{world.namespace}.example.com",
        "settings",
        "migrator",
    }
    # Corrected by a commit, it goes on from there.
    world.write("base/templates/z.yaml", job("z-first", BEFORE, -2, "exit 0"))
    created = [each.ref.name for each in world.sync(commit="d" * 40).results if each.result == "created"]
    assert created == ["app", "boat", "late", "z-first", "a-second", "warm"]
    assert world.drift().entries == ()
