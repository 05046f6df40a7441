import pytest

from towpath.schemas.names import name_problem


@pytest.mark.parametrize(
    ("group", "kind", "name"),
    [
        ("batch", "CronJob", "a" * 53),
        ("batch", "Job", "a" * 64),
        ("apps", "StatefulSet", "a" * 64),
        ("apps", "StatefulSet", "a.b"),
        ("apps", "Deployment", "a" * 254),
        ("", "Service", "1a"),
        ("", "Service", "a" * 64),
        ("", "Namespace", "a.b"),
        ("", "ConfigMap", "a..b"),
        ("networking.k8s.io", "IPAddress", "2001:db8:0::1"),
        ("rbac.authorization.k8s.io", "Role", "a%b"),
        ("example.com", "Database", "A"),
    ],
)
def test_a_name_that_the_kind_does_not_allow(group: str, kind: str, name: str) -> None:
    assert name_problem(group, kind, name)


@pytest.mark.parametrize(
    ("group", "kind", "name"),
    [
        ("batch", "CronJob", "a" * 52),
        ("batch", "Job", "a" * 63),
        ("apps", "StatefulSet", "1" * 63),
        ("apps", "Deployment", "a" * 253),
        ("", "Service", "a" * 63),
        ("", "Namespace", "1-a"),
        ("", "ConfigMap", "a.1-b.c"),
        ("networking.k8s.io", "IPAddress", "2001:db8::1"),
        ("rbac.authorization.k8s.io", "Role", "system:A_b"),
        ("storage.k8s.io", "CSIDriver", "a" * 64),
    ],
)
def test_a_name_that_the_kind_allows(group: str, kind: str, name: str) -> None:
    assert name_problem(group, kind, name) is None


def test_some_kinds_are_named_by_their_spec() -> None:
    spec = {"group": "example.com", "names": {"plural": "dbs"}, "version": "v1"}
    group = "apiextensions.k8s.io"
    assert (
        name_problem(group, "CustomResourceDefinition", "db.example.com", spec) == "must be dbs.example.com"
    )
    assert name_problem(group, "CustomResourceDefinition", "dbs.example.com", spec) is None
    assert name_problem("apiregistration.k8s.io", "APIService", "v1.example.com", spec) is None
    assert name_problem("apiregistration.k8s.io", "APIService", "v2.example.com", spec)
