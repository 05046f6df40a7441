"""`towpath install` by accounts with few rights, and on a cluster of another version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart import needs_helm
from tests.integration.installing import Site, a_site, account, actions, with_logins
from tests.integration.running import RunningStack
from towpath.adapters.rendering.own_chart import render_own_chart
from towpath.errors import ConfigError

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), needs_helm]


@pytest.fixture
def site(stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(stack, tmp_path, monkeypatch) as site:
        yield site


def test_an_account_without_the_right_to_make_namespaces(site: Site) -> None:
    """It may do everything in its own namespace, as a team's account."""
    with account(site, {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]}):
        code, said = site.run("--dry-run", "--no-wait")
    assert code == 1
    assert "forbidden" in said
    assert f"To make namespace {site.home} needs an account with more rights" in said


def test_an_account_that_is_no_administrator_binds_the_roles_that_it_makes(site: Site) -> None:
    """The API server lets it bind a role when that is there and grants nothing that the account has not."""
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    objects = render_own_chart(site.values(), site.home, site.world.kubectl_path.parent)
    inside = [each["metadata"]["name"] for each in objects if each["metadata"]["name"].endswith("-inside")]
    own = next(each["metadata"]["name"] for each in objects if each["kind"] == "ClusterRoleBinding")
    group = "rbac.authorization.k8s.io"
    with_logins(site)
    with account(
        site,
        {"apiGroups": ["*"], "resources": ["*"], "verbs": verbs},
        {
            "apiGroups": [group],
            "resources": ["clusterroles"],
            "resourceNames": inside,
            "verbs": ["bind", "escalate"],
        },
    ):
        code, said = site.run("--no-wait", "--dry-run")
        assert code == 0, said
        assert f"+ ClusterRoleBinding {own}  (after ClusterRole {own})" in said
        code, said = site.run("--no-wait")
        assert code == 0, said
        code, said = site.run("--no-wait", "--dry-run", "--output", "json")
    assert actions(said)[f"ClusterRoleBinding {own}"] == "unchanged"


def test_a_cluster_of_a_version_that_the_chart_cannot_be_in(site: Site) -> None:
    tools = site.world.kubectl_path.parent
    assert render_own_chart(site.values(), site.home, tools, site.world.cluster.version())
    with pytest.raises(ConfigError, match=r"requires kubeVersion: >=1\.30"):
        render_own_chart(site.values(), site.home, tools, "v1.29.4-eks-1a2b3c")
