"""A second cluster as a copy of the first: another API server, the same repository, one reconcile."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import definition
from tests.integration.second_cluster import SecondCluster
from tests.integration.world import World
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.adapters.kubernetes import connect
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import reconcile
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.source.commits import Committer, commit_verified
from towpath.evidence.trusted_keys import COMMITS
from towpath.objects import Manifest
from towpath.release.release_file import parse_release_file, release_path

pytestmark = [pytest.mark.integration]

KINDS = "deployment,service,configmap,serviceaccount"


class Copied(Fleet):
    """The environment `test`, and once more as `copy`, whose machine has the `kubeconfig`."""

    kubeconfig: Path | None = None

    def content(self) -> dict[str, str]:
        files = dict(super().content())
        if self.kubeconfig is None:
            return files
        config = yaml.safe_load(files["towpath.yaml"])
        [first] = config["environments"]
        here = {"name": "copy", "timeout": "60s"}
        config["environments"].append({**first, **here})
        # What the guide says: cp -r apps/APP/test apps/APP/copy.
        copied = {path.replace("/test/", "/copy/"): text for path, text in files.items()}
        return copied | files | {"towpath.yaml": yaml.safe_dump(config)}

    def verify(self, commit: str) -> None:
        """Each release is verified in `test`, as its agent says there: the copy's gate asks for that."""
        keys = KeyFolder(self.folder / "keys")
        make_key(keys, "test", (COMMITS,))
        self.settings = replace(
            self.settings, signing_key=keys.private_file("test"), trusted_keys=keys.trusted_file
        )
        for app in self.apps:
            path = release_path(app, "test")
            release = parse_release_file(self.content()[path], path).release
            commit = commit_verified(Committer(self.settings, "a-run", "dana"), commit, "test", release)

    def copy(self) -> ReconcileResult:
        return reconcile(open_context(replace(self.settings, kubeconfig=str(self.kubeconfig)), "copy"))


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Copied]:
    """Apps that by name come before what they need: a kind, its role for the cluster, and the namespace."""
    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    with a_fleet(stack.settings, tmp_path, create=False) as made:
        fleet = Copied(made.folder, made.world, made.settings)
        wide = ["Namespace", "CustomResourceDefinition", "ClusterRole"]
        fleet.environment["allowClusterScoped"] = wide
        widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": 1}}
        role: Manifest = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        role["metadata"] = {"name": f"{fleet.namespace}-readers"}
        role["rules"] = [{"apiGroups": [group], "resources": ["widgets"], "verbs": ["get"]}]
        fleet.add("a-uses", widget)
        fleet.add("y-defines", definition(group), role)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fleet.namespace}}
        fleet.add("z-founds", space)
        yield fleet
        fleet.world.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found")
        fleet.world.kubectl("delete", "clusterrole", role["metadata"]["name"], "--ignore-not-found")


def content(world: World) -> dict[str, object]:
    """What Git gave the cluster, without what differs between any two clusters."""
    found = json.loads(world.kubectl("get", KINDS, "-l", "towpath.dev/app", "-o", "json"))["items"]
    kept = {}
    for each in found:
        spec = {key: value for key, value in (each.get("spec") or {}).items() if "clusterIP" not in key}
        kept[f"{each['kind']}/{each['metadata']['name']}"] = (spec, each.get("data") or {})
    return {name: it for name, it in kept.items() if "/towpath-" not in name}


def test_one_reconcile_builds_the_copy_in_another_cluster(fleet: Copied, second: SecondCluster) -> None:
    fleet.push()
    assert fleet.reconcile().failures == {}
    there = World(
        connect(str(second.kubeconfig)), fleet.world.kubectl_path, second.kubeconfig, fleet.namespace
    )
    assert there.cluster.server != fleet.world.cluster.server
    widgets = f"widgets.{fleet.apps['a-uses'][-1]['apiVersion'].partition('/')[0]}"
    assert there.kubectl("get", "crd", widgets, "--ignore-not-found") == ""

    fleet.kubeconfig = second.kubeconfig
    fleet.verify(fleet.push("A copy in another cluster"))
    before = fleet.resource_versions()
    done = fleet.copy()
    assert done.failures == {}
    assert [each.app for each in done.outcomes] == ["a-uses", "y-defines", "z-founds"]
    assert all(health.good for health in done.health.values())
    assert done.changed == 13
    assert f"{done.changed} objects written in " in done.summary()
    assert content(there) == content(fleet.world)
    assert there.live(widgets, "w")["spec"] == {"a": 1}
    assert there.live("clusterrole", f"{fleet.namespace}-readers")["rules"]
    assert fleet.resource_versions() == before, "the first cluster is left as it is"

    again = fleet.copy()
    assert (again.changed, again.plan.drift.entries) == (0, ())
    assert fleet.look().drift.entries == ()
