"""Accounts of the environments: their rights as data."""

import json

import yaml

from towpath.local.common.stack import ENVIRONMENTS, Options, Stack
from towpath.local.parts.accounts import ACROSS, INSIDE, POLICY, adopt_kubeconfig, objects, path_of


def test_each_environment_has_namespace_account_and_binding() -> None:
    found = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects()}
    for environment in ENVIRONMENTS:
        assert ("Namespace", None, environment) in found
        assert ("ServiceAccount", "towpath-system", f"towpath-{environment}") in found
        assert ("RoleBinding", environment, "towpath") in found


def test_outside_of_its_namespace_an_account_may_read_and_make_little() -> None:
    across = next(
        one for one in objects() if one["kind"] == "ClusterRole" and one["metadata"]["name"] == ACROSS
    )
    rights = {(rule["resources"][0], verb) for rule in across["rules"] for verb in rule["verbs"]}
    assert {resource for resource, _ in rights} == {"namespaces", "rolebindings", "clusterroles"}
    assert not {verb for _, verb in rights} & {"delete", "deletecollection", "*", "escalate", "impersonate"}
    bind = next(rule for rule in across["rules"] if "bind" in rule["verbs"])
    assert bind["resourceNames"] == [INSIDE]


def test_the_policy_fails_closed_and_is_bound() -> None:
    policy, binding = (one for one in objects() if one["metadata"]["name"] == POLICY)
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"]["validationActions"] == ["Deny"]


def test_every_object_has_a_path_at_the_api_server() -> None:
    paths = [path_of(one) for one in objects()]
    assert "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings/towpath" in paths
    assert len(set(paths)) == len(paths)


def test_a_given_kubeconfig_is_copied_with_context_and_absolute_paths(described: Stack) -> None:
    given = described.settings.home / "given" / "config"
    given.parent.mkdir(parents=True)
    given.write_text(
        yaml.safe_dump(
            {
                "current-context": "one",
                "clusters": [
                    {"name": "c", "cluster": {"server": "https://c", "certificate-authority": "ca.crt"}}
                ],
                "users": [
                    {"name": "u", "user": {"client-key": "/abs/key", "tokenFile": ""}},
                    {"name": "v", "user": {"exec": {"command": "bin/login"}}},
                    {"name": "w", "user": {"exec": {"command": "login"}}},
                ],
            }
        )
    )
    stack = described.with_options(Options(kubeconfig=str(given), context="two"))
    adopt_kubeconfig(stack)
    for who in ("admin", *ENVIRONMENTS):
        path = stack.layout.kubeconfig(who)
        copy = json.loads(path.read_text())
        assert copy["current-context"] == "two"
        assert copy["clusters"][0]["cluster"]["certificate-authority"] == str(given.parent / "ca.crt")
        assert copy["users"][0]["user"] == {"client-key": "/abs/key", "tokenFile": ""}
        commands = [one["user"]["exec"]["command"] for one in copy["users"][1:]]
        assert commands == [str(given.parent / "bin/login"), "login"]
        assert path.stat().st_mode & 0o777 == 0o600
