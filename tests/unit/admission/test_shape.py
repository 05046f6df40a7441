import pytest

from towpath.admission.shape import shape_problem

RBAC = "rbac.authorization.k8s.io/v1"


def problem(api_version: str, kind: str, name: object) -> str | None:
    return shape_problem({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})


@pytest.mark.parametrize(
    ("api_version", "kind", "name"),
    [
        (RBAC, "ClusterRole", "system:web reader"),
        (RBAC, "Role", "Lese-Rolle für alle"),
        (RBAC, "RoleBinding", "A_b."),
        (RBAC, "ClusterRoleBinding", "ci|cd@example.com"),
        ("certificates.k8s.io/v1", "CertificateSigningRequest", "a b"),
        ("policy/v1", "PodDisruptionBudget", "Web_Budget"),
        ("v1", "ConfigMap", "a.b-c"),
    ],
)
def test_names_that_a_server_takes(api_version: str, kind: str, name: str) -> None:
    assert problem(api_version, kind, name) is None


@pytest.mark.parametrize(
    ("api_version", "kind", "name"),
    [
        (RBAC, "Role", "a/b"),
        (RBAC, "Role", "a%2Fb"),
        (RBAC, "Role", ".."),
        (RBAC, "Role", "a\nb"),
        (RBAC, "Role", "\x1b[31m"),
        (RBAC, "Role", ""),
        (RBAC, "Role", "a" * 254),
        ("v1", "ConfigMap", "a b"),
        ("v1", "ConfigMap", "A"),
        ("v1", "Service", "a.b"),
        ("v1", "ConfigMap", 5),
    ],
)
def test_names_that_a_server_refuses_or_that_break_a_line(api_version: str, kind: str, name: object) -> None:
    assert problem(api_version, kind, name) is not None
