"""An app without images on the real API server: synced, verified, signed, held until verified, taken back."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.bench import git
from tests.integration.running import RunningStack
from tests.keys import make_keys
from towpath.adapters.kubernetes import connect
from towpath.engine.gates.change_rollback import restore_change
from towpath.engine.live.context import EnvironmentContext, open_context
from towpath.engine.reconcile.held import held_apps
from towpath.engine.reconcile.loop import act, conclude, look
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.reconcile.verified import verified_changes
from towpath.engine.source.commits import Committer
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.verified_changes import commit_changes, signed_changes, verified_now
from towpath.objects import Manifest, ObjectRef
from towpath.settings import Settings

pytestmark = pytest.mark.integration
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: limits.GROUP}
spec:
  group: GROUP
  names: {kind: Limit, plural: limits}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object,
        properties: {max: {type: integer}, note: {type: string}}}}}}
"""
LIMIT = "apiVersion: GROUP/v1\nkind: Limit\nmetadata: {name: pods}\nspec: {max: MAX}\n"
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAME}
rules: [{apiGroups: [GROUP], resources: [limits], verbs: [get]}]
"""
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: NAMESPACE
resources: [../base, namespace.yaml]
patches:
  - target: {kind: Limit, name: pods}
    patch: '[{"op": "add", "path": "/spec/note", "value": "NOTE"}]'
"""
CONFIG = """\
apiVersion: towpath.dev/v2
apps: {infra: {promote: manifests}}
environments:
  - {name: dev, namespace: DEV, allowClusterScoped: [Namespace, CustomResourceDefinition, ClusterRole]}
  - {name: prod, namespace: PROD, allowClusterScoped: [Namespace, CustomResourceDefinition]}
"""


class Infra:
    """A repository of an infrastructure app, and a hand that does what the agents of dev and prod would."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        mark = uuid.uuid4().hex[:8]
        self.group, self.folder = f"apps-{mark}.example.com", folder
        self.namespaces = {"dev": f"apps-{mark}-dev", "prod": f"apps-{mark}-prod"}
        self.role = f"apps-{mark}"
        git(folder, "init", "-q", "--bare", "-b", "main", "environments.git")
        git(folder, "clone", "-q", "environments.git", "work")
        self.keys = make_keys(folder / "keys")
        self.settings = replace(
            settings,
            environments=f"file://{folder}/environments.git",
            branch="main",
            git_allow_file=True,
            trusted_keys=self.keys.trusted_file,
            cache=folder / "cache",
        )
        assert settings.kubeconfig
        self.cluster = connect(settings.kubeconfig)
        names = self.namespaces
        self.push(
            "Begin", {"towpath.yaml": CONFIG.replace("DEV", names["dev"]).replace("PROD", names["prod"])}
        )

    def push(self, subject: str, files: Mapping[str, str | None]) -> str:
        """A person's commit."""
        work = self.folder / "work"
        if (work / "towpath.yaml").exists():
            git(work, "pull", "-q", "--rebase", "origin", "main")
        else:
            git(work, "checkout", "-q", "-B", "main")
        for name, text in files.items():
            if text is None:
                (work / name).unlink()
                continue
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text.replace("GROUP", self.group).replace("NAME", self.role))
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", subject)
        git(work, "push", "-q", "origin", "main")
        return git(work, "rev-parse", "HEAD")

    def scaffold(self) -> str:
        # Both environments are in one cluster here, where an object belongs to one of them.
        base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [limit.yaml]\n"
        files = {"apps/infra/base/kustomization.yaml": base, "apps/infra/dev/crd.yaml": CRD}
        files["apps/infra/base/limit.yaml"] = LIMIT.replace("MAX", "1")
        for name, namespace in self.namespaces.items():
            own = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n"
            overlay = OVERLAY.replace("NAMESPACE", namespace).replace("NOTE", f"of {name}")
            if name == "dev":
                overlay = overlay.replace("namespace.yaml]", "namespace.yaml, crd.yaml]")
            files |= {
                f"apps/infra/{name}/namespace.yaml": own,
                f"apps/infra/{name}/kustomization.yaml": overlay,
            }
        return self.push("The infrastructure", files)

    def limit(self, value: int) -> str:
        text = LIMIT.replace("MAX", str(value))
        return self.push(f"Limit {value}", {"apps/infra/base/limit.yaml": text})

    def agent(self, environment: str) -> tuple[Committer, EnvironmentContext]:
        settings = replace(self.settings, signing_key=self.keys.private_file(environment))
        return Committer(settings, f"run-{uuid.uuid4().hex[:6]}", "ann"), open_context(settings, environment)

    def reconcile(self, environment: str) -> ReconcileResult:
        by, context = self.agent(environment)
        plan = look(context)
        outcomes = act(plan, lambda _: None)
        if news := verified_changes(plan, outcomes, by.flow_run):
            commit_changes(by, context.repo, news)
        return conclude(plan, outcomes)

    def held(self, environment: str) -> str:
        _, context = self.agent(environment)
        plan = look(context)
        assert plan.broken == {}
        return held_apps(plan).get("infra", "")

    def live(self, environment: str) -> Manifest | None:
        return self.cluster.get(ObjectRef(self.group, "Limit", self.namespaces[environment], "pods"))

    def max(self, environment: str) -> int | None:
        if (self.group, "Limit") not in self.cluster.discover(refresh=True):
            return None
        live = self.live(environment)
        return live["spec"]["max"] if live else None

    def signed(self, environment: str) -> int:
        _, context = self.agent(environment)
        trusted = load_trusted_keys(self.keys.trusted_file)
        return len([*signed_changes(context.repo, trusted, "infra", environment)])

    def clear(self) -> None:
        for namespace in self.namespaces.values():
            self.cluster.delete(ObjectRef("", "Namespace", "", namespace))
        crd = "CustomResourceDefinition"
        self.cluster.delete(ObjectRef("apiextensions.k8s.io", crd, "", f"limits.{self.group}"))
        self.cluster.delete(ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", self.role))


@pytest.fixture
def infra(stack: RunningStack, tmp_path: Path) -> Iterator[Infra]:
    made = Infra(tmp_path, stack.settings)
    try:
        yield made
    finally:
        made.clear()


def test_a_change_goes_from_environment_to_environment_as_it_is_verified(infra: Infra) -> None:
    first = infra.scaffold()
    assert "must be verified in dev first" in infra.held("prod")
    assert "infra" in infra.reconcile("prod").failures
    assert infra.max("prod") is None
    assert infra.reconcile("dev").failures == {}
    assert (infra.max("dev"), infra.signed("dev")) == (1, 1)
    _, context = infra.agent("dev")
    record = verified_now(context.repo, "infra", "dev")
    assert record is not None
    assert record.commit == first
    assert infra.reconcile("prod").failures == {}
    live = infra.live("prod")
    assert live is not None
    assert live["spec"] == {"max": 1, "note": "of prod"}, "overlays differ"
    again = infra.reconcile("dev"), infra.reconcile("prod")
    assert [each.changed for each in again] == [0, 0]
    assert (infra.signed("dev"), infra.signed("prod")) == (1, 1), "nothing is signed twice"

    second = infra.limit(2)
    assert "infra" in infra.reconcile("prod").failures
    assert infra.max("prod") == 1
    assert "/spec/max" in infra.held("prod")
    assert infra.reconcile("dev").failures == {}
    assert infra.held("prod") == ""
    assert infra.reconcile("prod").failures == {}
    assert infra.max("prod") == 2

    by, context = infra.agent("prod")
    restored = restore_change(by, context.repo, "infra", "prod", first[:8])
    assert (restored.change.commit, restored.others) == (first, ("dev",))
    assert restore_change(by, restored.repo, "infra", "prod", first[:8]).repo.commit == restored.repo.commit
    assert infra.held("prod") == "", "it was verified here before"
    assert infra.reconcile("prod").failures == {}
    assert infra.max("prod") == 1
    assert infra.reconcile("dev").failures == {}
    assert infra.max("dev") == 1
    assert second != first


def test_drift_is_healed_and_what_leaves_git_is_deleted_and_a_lost_record_is_signed_again(
    infra: Infra,
) -> None:
    infra.scaffold()
    infra.push("A role", {"apps/infra/dev/role.yaml": ROLE})
    overlay = (infra.folder / "work/apps/infra/dev/kustomization.yaml").read_text()
    with_role = overlay.replace("crd.yaml]", "crd.yaml, role.yaml]")
    infra.push("With it", {"apps/infra/dev/kustomization.yaml": with_role})
    assert infra.reconcile("dev").failures == {}
    role = ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", infra.role)
    assert infra.cluster.get(role) is not None
    infra.cluster.delete(ObjectRef(infra.group, "Limit", infra.namespaces["dev"], "pods"))
    assert infra.reconcile("dev").failures == {}
    assert infra.max("dev") == 1, "deleted by hand, and healed"
    infra.push("Without the role", {"apps/infra/dev/kustomization.yaml": overlay})
    assert infra.reconcile("dev").failures == {}
    assert infra.cluster.get(role) is None
    assert infra.signed("dev") == 2
    infra.push("Forge", {"verified/dev/infra.yaml": "apiVersion: towpath.dev/v2\n"})
    assert infra.reconcile("dev").failures == {}
    assert infra.signed("dev") == 2, "a file that somebody broke is not written over"
    infra.push("Without it", {"verified/dev/infra.yaml": None})
    assert infra.reconcile("dev").failures == {}
    assert infra.signed("dev") == 3


def test_a_paused_one_is_left_alone_until_the_pause_ends(infra: Infra) -> None:
    infra.scaffold()
    assert infra.reconcile("dev").failures == {}
    entry = "{app: infra, until: '2999-01-01T00:00:00+00:00', reason: a migration}"
    pause = f"apiVersion: towpath.dev/v2\npauses: [{entry}]\n"
    infra.push("Pause", {"pauses/dev.yaml": pause})
    infra.limit(2)
    pods = ObjectRef(infra.group, "Limit", infra.namespaces["dev"], "pods")
    infra.cluster.delete(pods)
    done = infra.reconcile("dev")
    assert (done.failures, done.changed) == ({}, 0)
    assert infra.max("dev") is None, "neither the change nor the drift is answered"
    assert infra.signed("dev") == 1, "what was not applied is not verified"
    infra.push("End the pause", {"pauses/dev.yaml": None})
    assert infra.reconcile("dev").failures == {}
    assert (infra.max("dev"), infra.signed("dev")) == (2, 2)
