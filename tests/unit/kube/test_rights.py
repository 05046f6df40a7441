"""Single rights become the fewest rules that grant them, and the roles that an account is bound to."""

from itertools import product

from towpath.kube.rights import RIGHTS_LABEL, Account, Right, roles_of, rules_of, without_covered

ACCOUNT = Account("delivery", "agent")


def rights(verbs: str, resource: str, *names: str, group: str = "", namespace: str = "dev") -> set[Right]:
    return {
        Right(namespace, group, resource, verb, name) for verb, name in product(verbs.split(), names or ("",))
    }


def test_resources_with_the_same_verbs_are_one_rule_and_verbs_have_their_usual_order() -> None:
    found = rules_of(rights("watch patch get", "services") | rights("get watch patch", "configmaps"))
    assert found == [
        {"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["get", "watch", "patch"]}
    ]


def test_groups_and_verbs_are_not_mixed() -> None:
    found = rules_of(rights("get", "pods") | rights("list", "events") | rights("get", "jobs", group="batch"))
    assert found == [
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]},
    ]


def test_names_with_the_same_verbs_are_one_rule() -> None:
    found = rules_of(rights("get patch", "namespaces", "b", "a", namespace=""))
    assert found == [
        {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": ["a", "b"],
            "verbs": ["get", "patch"],
        }
    ]


def test_a_right_on_all_objects_leaves_nothing_to_grant_by_name() -> None:
    both = rights("create patch", "clusterroles", "a", namespace="") | rights(
        "create", "clusterroles", namespace=""
    )
    assert rules_of(both) == [
        {"apiGroups": [""], "resources": ["clusterroles"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["clusterroles"], "resourceNames": ["a"], "verbs": ["patch"]},
    ]
    assert len(without_covered(both)) == 2


def test_each_place_has_a_role_and_a_binding_and_what_has_no_namespace_a_clusterrole() -> None:
    wanted = rights("get", "pods") | rights("get", "namespaces", "dev", namespace="")
    held = {"more": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}], "none": []}
    found = roles_of("towpath-dev", ACCOUNT, wanted, held, "dev")
    places = [(each["kind"], each["metadata"].get("namespace")) for each in found]
    assert places == [
        ("ClusterRole", None),
        ("ClusterRoleBinding", None),
        ("Role", "dev"),
        ("RoleBinding", "dev"),
        ("Role", "more"),
        ("RoleBinding", "more"),
    ]
    assert found[4]["rules"] == held["more"]
    assert {each["metadata"]["labels"][RIGHTS_LABEL] for each in found} == {"dev"}
    for role, binding in zip(found[::2], found[1::2], strict=True):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (role["kind"], "towpath-dev")
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "agent", "namespace": "delivery"}]


def test_a_right_is_told_in_words() -> None:
    assert str(Right("dev", "apps", "deployments", "get")) == "get deployments.apps in dev"
    assert str(Right("", "", "namespaces", "get", "dev")) == "get namespaces dev in the cluster"
