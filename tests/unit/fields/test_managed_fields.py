import pytest

from towpath.fields.managed_fields import (
    TakenBack,
    fingerprint,
    foreign_edits,
    is_deployment_tool,
    is_person_tool,
    own_entry,
)

SPEC = {"f:spec": {"f:replicas": {}}}
LABEL = {"f:metadata": {"f:labels": {".": {}, "f:x": {}}}}
RESTART = {
    "f:spec": {
        "f:template": {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}
    }
}


def entry(manager: str, fields: object, operation: str = "Update", **more: str):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "time": "T1",
        "fieldsV1": fields,
        **more,
    }


OURS = entry("towpath", SPEC, "Apply")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("kubectl", True),
        ("kubectl-edit", True),
        ("kubectl-client-side-apply", True),
        ("k9s", True),
        ("kube-controller-manager", False),
        ("towpath", False),
        ("helm", False),
        ("octopus", False),
        ("kubectl.exe", True),
        ("kubectl.exe-edit", True),
        ("KUBECTL.EXE", True),
        ("kubectl1.31", True),
        ("kubectl-1.31", True),
        ("kubectl1.31.4.exe", True),
        ("kubectl-v1.35.0", True),
        ("kubectl1.30-edit", True),
        ("oc4.17", True),
        ("k9s.exe", True),
        ("Lens", True),
        ("Mozilla", True),
        ("freelens", True),
        ("headlamp-server", True),
        ("rancher", True),
        ("octant", True),
        ("kubectlx", False),
        ("rancher-webhook", False),
        ("headlamp-operator", False),
        ("occ", False),
        ("lenses", False),
        ("rancherd", False),
        ("Headlamp 0.30.0 (linux", True),
        ("Headlamp", True),
        ("lfk:ann", True),
        ("Mozilla", True),
        ("GoogleCloudConsole", True),
        ("podman-desktop", True),
        ("dashboard-api", True),
        ("podman", False),
        ("unknown", False),
        ("Go-http-client", False),
        ("OpenAPI-Generator", False),
        ("okhttp", False),
        ("my kubectl", False),
        ("system:kubectl", False),
        ("argocd-controller", False),
        ("kube-scheduler-1.31", False),
    ],
)
def test_persons_tools(name: str, person: bool) -> None:
    assert is_person_tool(name) is person


@pytest.mark.parametrize(
    ("other", "managers"),
    [
        (entry("kubectl-label", LABEL), ["kubectl-label"]),
        (entry("kubectl-edit", SPEC), []),  # the same value: nothing was added
        (entry("kubectl-rollout", RESTART), []),
        (entry("kubectl", LABEL, subresource="scale"), []),
        (entry("kube-controller-manager", LABEL), []),
        (entry("towpath", LABEL, "Update"), ["towpath"]),
    ],
)
def test_foreign_edits(other, managers) -> None:
    assert [edit.manager for edit in foreign_edits({"managedFields": [OURS, other]})] == managers


def test_ignored_fields_are_no_edit() -> None:
    metadata = {"managedFields": [OURS, entry("kubectl-label", LABEL)]}
    assert foreign_edits(metadata, ["/metadata/labels/x"]) == ()
    assert len(foreign_edits(metadata, ["/metadata/labels/y"])) == 1


def test_fingerprint_changes_with_fields_and_time_of_our_entry_only() -> None:
    before = fingerprint({"managedFields": [OURS]})
    assert before == fingerprint({"managedFields": [entry("kubectl-label", LABEL), OURS]})
    assert before != fingerprint({"managedFields": [{**OURS, "time": "T2"}]})
    assert before != fingerprint({"managedFields": [{**OURS, "fieldsV1": LABEL}]})


@pytest.mark.parametrize("managed", [None, [], [{}], [entry("kubectl", SPEC)]])
def test_no_entry_no_fingerprint(managed) -> None:
    assert own_entry({"managedFields": managed}) is None
    assert fingerprint({"managedFields": managed}) == ""


def test_an_edit_by_a_manager_that_a_rule_leaves_alone_is_none() -> None:
    metadata = {"managedFields": [OURS, entry("kubectl-label", LABEL)]}
    assert foreign_edits(metadata, (), (("kubectl-label", ""),)) == ()
    assert foreign_edits(metadata, (), (("kubectl-label", "/metadata/labels"),)) == ()
    assert foreign_edits(metadata, (), (("kubectl-label", "/spec"),))
    assert foreign_edits(metadata, (), (("kubectl-edit", ""),))


def test_the_name_of_unknown_owners_is_nobody() -> None:
    from towpath.fields.managed_fields import is_unknown_owner

    assert is_unknown_owner("before-first-apply")
    assert not is_unknown_owner("kube-controller-manager")


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("helm", True),
        ("Helm", True),
        ("helm.exe", True),
        ("argocd-controller", True),
        ("kustomize-controller", True),
        ("Terraform", True),
        ("helm-controller", True),
        ("helm-operator-plugin", False),
        ("kubectl-client-side-apply", False),
        ("kube-controller-manager", False),
        ("cainjector", False),
    ],
)
def test_deployment_tools(name: str, tool: bool) -> None:
    assert is_deployment_tool(name) is tool


@pytest.mark.parametrize(
    ("declared", "manager", "matches"),
    [
        ("helm", "Helm", True),
        ("Helm", "helm", True),
        ("argocd-controller", "argocd-controller", True),
        ("OpenAPI-Generator", "OpenAPI-Generator", True),
        ("deployer", "deployer-2.1", True),
        ("deployer", "deployer.exe", True),
        ("deployer", "deployer-webhook", False),
        ("helm", "helm-controller", False),
        ("helm-controller", "helm", False),
    ],
)
def test_names_that_are_declared(declared: str, manager: str, matches: bool) -> None:
    assert TakenBack(former=(declared,)).is_former(manager) is matches
    assert TakenBack(people=(declared,)).is_person(manager) is matches
    edits = foreign_edits(
        {"managedFields": [entry(manager, LABEL)]}, taken_back=TakenBack(people=(declared,))
    )
    assert bool(edits) is matches
