"""An environment's own account: all rights in its namespace, and just enough outside to rebuild it."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.integration.manifests import configmap, deployment
from tests.integration.world import World, throw_away
from towpath.adapters.kubernetes import connect
from towpath.errors import SyncError

pytestmark = pytest.mark.integration

OUTSIDE = [
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch", "create", "patch"]},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["rolebindings"],
        "verbs": ["get", "create", "patch"],
    },
]
RBAC = "rbac.authorization.k8s.io"


def everything_but(name: str) -> list[dict[str, object]]:
    bind = {"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": [name]}
    return [*OUTSIDE, bind]


@pytest.fixture
def world(stack, tmp_path) -> Iterator[World]:
    """The world of a confined account; `world.admin` may do everything."""
    with (
        throw_away(stack.settings) as home,
        throw_away(stack.settings, create=False) as world,
    ):
        inside, outside = f"{home.namespace}-inside", f"{home.namespace}-outside"
        account = {"kind": "ServiceAccount", "name": "worker", "namespace": home.namespace}
        role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole"}
        anything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        binding = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": outside},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": outside},
            "subjects": [account],
        }
        documents = [
            {**role, "metadata": {"name": inside}, "rules": [anything]},
            {**role, "metadata": {"name": outside}, "rules": everything_but(inside)},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "worker"}},
            binding,
        ]
        home.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))
        config = yaml.safe_load(home.kubectl("config", "view", "--raw", "--flatten"))
        token = home.kubectl("create", "token", "worker").strip()
        config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        world.cluster = connect(str(tmp_path / "kubeconfig"))
        metadata = {"name": "towpath", "annotations": {"towpath.dev/wave": "-1"}}
        role_ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": inside}
        world.objects = [
            deployment(),
            configmap("settings", A="1"),
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": role_ref,
                "subjects": [account],
            },
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}},
        ]
        try:
            yield world
        finally:
            home.kubectl("delete", "clusterrolebinding", outside)
            home.kubectl("delete", "clusterrole", inside, outside)


def test_builds_its_namespace_and_rebuilds_it_after_a_disaster(world: World) -> None:
    assert {entry.action for entry in world.plan().entries} == {"create"}
    assert {each.result for each in world.sync().results} == {"created"}
    assert {each.result for each in world.sync().results} == {"unchanged"}
    assert world.drift().entries == ()
    world.kubectl("delete", "namespace", world.namespace)
    assert {(entry.kind, entry.app) for entry in world.drift().entries} == {("deleted", "hello")}
    assert {entry.action for entry in world.plan().entries} == {"create"}
    assert {each.result for each in world.sync().results} == {"created"}
    assert world.drift().entries == ()


def test_takes_its_lost_rights_back(world: World) -> None:
    world.sync()
    world.kubectl("delete", "rolebinding", "towpath")
    [entry] = world.drift().entries
    assert (entry.kind, entry.ref.kind, entry.ref.name) == ("deleted", "RoleBinding", "towpath")
    assert "not readable" in world.plan().entries[0].reason
    assert [each.ref.name for each in world.sync().changes] == ["towpath"]
    assert world.drift().entries == ()


def test_without_a_right_the_object_and_the_reason_are_named(world: World) -> None:
    world.sync()
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "hello"}, "rules": []}
    world.objects.append(role)
    with pytest.raises(SyncError, match=r"ClusterRole hello: .*forbidden"):
        world.sync()


def test_the_wrong_account_is_told_so(world: World) -> None:
    world.sync()
    world.kubectl("delete", "rolebinding", "towpath")
    world.kubectl("create", "rolebinding", "towpath", "--clusterrole=view", "--user=somebody")
    with pytest.raises(SyncError, match="forbidden"):
        world.plan()
    with pytest.raises(SyncError, match="forbidden"):
        world.drift()
