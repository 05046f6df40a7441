"""The rights of an environment, right by right, without a cluster."""

import json
from typing import Any

import pytest

from towpath.applyset.hooks import split_hooks
from towpath.applyset.inventory import HookRun, Inventory, OwnedObject, Owner
from towpath.config import Environment, parse_config
from towpath.engine.rights.known_kinds import KnownKinds
from towpath.engine.rights.needed_rights import EnvironmentNeeds, Needed, needed_rights
from towpath.engine.source.render import Rendered, digest_of
from towpath.objects import Manifest, ObjectRef

RBAC = "rbac.authorization.k8s.io/v1"
HOME = "dev"


def environment(apps: dict[str, Any] | None = None, **policy: Any) -> Environment:
    config = {
        "apiVersion": "towpath.dev/v2",
        "apps": apps or {"shop": {}},
        "environments": [{"name": "dev", "namespace": HOME, "extras": {"*": "ignore"}, **policy}],
    }
    return parse_config(json.dumps(config)).environment("dev")


def an_object(kind: str, name: str = "a", version: str = "v1", place: str = HOME, **more: Any) -> Manifest:
    metadata = {"name": name, **({"namespace": place} if place else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def rights(*objects: Manifest, where: Environment | None = None, **options: Any) -> set[str]:
    """In words, without those that every environment needs."""
    kept = {str(right) for right in needed(*objects, where=where, **options).rights}
    return kept - {str(right) for right in needed().rights}


def needed(*objects: Manifest, where: Environment | None = None, **options: Any) -> Needed:
    kept, hooks = split_hooks(objects)
    app = Rendered("shop", "dev", HOME, kept, digest_of(objects), hooks=hooks)
    needs = EnvironmentNeeds(where or environment(), (app,), **options)
    return needed_rights(needs, KnownKinds.of(None, needs.objects))


def words(verbs: str, what: str) -> set[str]:
    return {f"{verb} {what}" for verb in verbs.split()}


def test_inventories_and_the_namespace_are_needed_by_all() -> None:
    assert {str(right) for right in needed().rights} == words(
        "get list watch create update delete", "configmaps in dev"
    ) | words("get list watch", "namespaces dev in the cluster")


def test_an_object_is_read_followed_applied_and_deleted() -> None:
    assert rights(an_object("Service", spec={})) == words(
        "get list watch create patch delete", "services in dev"
    ) | {"list events in dev"}


def test_what_has_no_namespace_is_granted_by_name() -> None:
    found = rights(an_object("PriorityClass", "high", "scheduling.k8s.io/v1", ""))
    assert found == words(
        "get list watch create patch delete", "priorityclasses.scheduling.k8s.io high in the cluster"
    )


def test_data_is_deleted_only_where_a_commit_confirms_it() -> None:
    claim = an_object("PersistentVolumeClaim", spec={"storageClassName": "fast"})
    assert "delete persistentvolumeclaims in dev" not in rights(claim)
    confirmed = frozenset({ObjectRef("", "PersistentVolumeClaim", HOME, "a")})
    assert "delete persistentvolumeclaims in dev" in rights(claim, confirmed=confirmed)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"storageClassName": "fast"}, {"get storageclasses.storage.k8s.io fast in the cluster"}),
        ({"storageClassName": ""}, set()),
        ({}, {"get storageclasses.storage.k8s.io in the cluster"}),
    ],
)
def test_the_class_of_a_claim_is_read(spec: dict[str, str], expected: set[str]) -> None:
    found = rights(an_object("PersistentVolumeClaim", spec=spec))
    assert {each for each in found if "storageclass" in each} == expected
    assert words("list watch", "pods in dev") <= found


def test_a_workload_needs_its_pods_and_its_autoscalers() -> None:
    found = rights(an_object("Deployment", version="apps/v1", spec={"replicas": 1}))
    assert words("list watch", "pods in dev") <= found
    assert words("list watch", "replicasets.apps in dev") <= found
    assert words("list watch", "horizontalpodautoscalers.autoscaling in dev") <= found
    assert not any("keda" in each for each in found)


def test_a_custom_kind_that_is_scaled_needs_its_definition() -> None:
    definition = an_object(
        "CustomResourceDefinition",
        "fish.example.com",
        "apiextensions.k8s.io/v1",
        "",
        spec={
            "group": "example.com",
            "names": {"kind": "Fish", "plural": "fish"},
            "versions": [{"name": "v1", "subresources": {"scale": {"specReplicasPath": ".spec.replicas"}}}],
        },
    )
    found = rights(definition, an_object("Fish", version="example.com/v1"))
    assert words("get list watch create patch delete", "fish.example.com in dev") <= found
    assert "list horizontalpodautoscalers.autoscaling in dev" in found
    definitions = {each for each in found if "customresourcedefinitions" in each}
    assert definitions == words(
        "get list watch create patch",
        "customresourcedefinitions.apiextensions.k8s.io fish.example.com in the cluster",
    )


def test_an_object_in_another_namespace_asks_whose_that_is() -> None:
    found = rights(an_object("ServiceAccount", place="more"), where=environment(namespaces=["more"]))
    assert {"get namespaces more in the cluster", "list configmaps in more"} <= found
    assert words("get list watch create patch delete", "serviceaccounts in more") <= found
    assert not any(each.endswith("serviceaccounts in dev") for each in found)


def test_secrets_are_listed_where_they_are_named_and_a_key_is_made_in_the_environment_s_namespace() -> None:
    secret = an_object("Secret", place="more", stringData={"password": "hunter22hunter22"})
    found = rights(secret, where=environment(namespaces=["more"]))
    assert words("get list watch create patch delete", "secrets in more") <= found
    assert {each for each in found if each.endswith("secrets in dev")} == words(
        "list create", "secrets in dev"
    )
    assert "get secrets towpath-digest-key in dev" in found


def test_the_jobs_of_hooks_are_made_anew() -> None:
    hook = an_object("Job", version="batch/v1", spec={})
    hook["metadata"]["annotations"] = {"towpath.dev/hook": "pre-sync"}
    assert rights(hook) == words("get list watch create delete", "jobs.batch in dev")


def test_what_inventories_hold_is_read_and_deleted_and_never_applied() -> None:
    owned = OwnedObject(ObjectRef("", "Service", "old", "a"), "u1")
    run = HookRun(ObjectRef("batch", "Job", HOME, "h"), "c" * 40, "d", "succeeded", "u2")
    inventory = Inventory(Owner("gone", "dev", HOME), "c" * 40, "", (owned,), (run,))
    assert rights(inventories=(inventory,)) == words("get list watch delete", "services in old") | words(
        "get delete", "jobs.batch in dev"
    )


def test_extras_are_listed_and_deleted_where_the_environment_says_so() -> None:
    policy = environment(
        extras={"*": "ignore", "ConfigMap": "report", "CronJob": "prune", "Tool.example.com": "report"}
    )
    found = rights(where=policy)
    assert found == words("list delete", "cronjobs.batch in dev") | {"list tools.example.com in dev"}


def test_smoke_checks_ask_one_port_of_one_service() -> None:
    assert rights(services=((HOME, "web", 80),)) == {"get services/proxy web:80 in dev"}


def test_who_writes_roles_has_their_rights_and_binds_others_by_name() -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    own = {**bound, "kind": "Role", "name": "own"}
    found = needed(
        an_object("Role", "own", RBAC, rules=[rule]),
        an_object("ClusterRole", "wide", RBAC, "", rules=[rule]),
        an_object("RoleBinding", "own", RBAC, roleRef=own, subjects=[]),
        an_object("RoleBinding", "view", RBAC, roleRef=bound, subjects=[]),
    )
    assert found.roles.rules == {HOME: [rule], "": [rule]}
    assert {str(right) for right in found.roles.rights} == {
        "bind clusterroles.rbac.authorization.k8s.io view in dev"
    }
    assert [ref.name for ref in found.roles.bound] == ["view"]


def test_an_aggregated_role_is_written_by_escalation_and_bound_by_name() -> None:
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sum"}
    selector = {"clusterRoleSelectors": [{"matchLabels": {"sum": "true"}}]}
    found = needed(
        an_object("ClusterRole", "sum", RBAC, "", aggregationRule=selector),
        an_object("ClusterRoleBinding", "sum", RBAC, "", roleRef=ref),
    )
    what = "clusterroles.rbac.authorization.k8s.io sum in the cluster"
    assert {str(right) for right in found.roles.rights} == {f"bind {what}", f"escalate {what}"}


def test_what_may_be_created_anew_is_tried_under_another_name() -> None:
    manifest = an_object("StorageClass", "fast", "storage.k8s.io/v1", "")
    manifest["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    found = rights(manifest)
    assert "create storageclasses.storage.k8s.io in the cluster" in found
