"""`towpath rbac` of a folder: what it prints, what it notes, what it refuses."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from towpath.cli.main import main
from towpath.errors import MissingPartError, RefusedError, UnknownNameError
from towpath.yamltext.manifest_reader import load_documents

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {shop: {renderer: plain, smoke: [{service: web, port: 80}]}}
environments: [{name: dev, namespace: dev, allowClusterScoped: [ClusterRole]}]
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KUBECONFIG", "TOWPATH_CONTEXT", "TOWPATH_ENVIRONMENTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, "Service", spec={"ports": [{"port": 80}]})
    (tmp_path / "towpath.yaml").write_text(CONFIG)
    return tmp_path


def write(repo: Path, kind: str, version: str = "v1", **more: object) -> None:
    folder = repo / "apps" / "shop" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **more}
    (folder / f"{kind.lower()}.yaml").write_text(json.dumps(manifest))


def rbac(repo: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["rbac", "dev", "--repo", str(repo), *more])


def test_what_is_printed_is_yaml_for_our_reader_and_others(repo: Path) -> None:
    result = rbac(repo, "--offline")
    assert result.exit_code == 0, result.output
    documents = [each.value for each in load_documents(result.stdout, "rights.yaml")]
    assert documents == list(yaml.safe_load_all(result.stdout))
    kinds = [each["kind"] for each in documents]
    assert kinds == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert {each["metadata"]["name"] for each in documents} == {"towpath-dev"}
    assert documents[1]["subjects"] == [
        {"kind": "ServiceAccount", "name": "towpath-dev", "namespace": "towpath"}
    ]
    rules = documents[2]["rules"]
    assert {
        "apiGroups": [""],
        "resources": ["services/proxy"],
        "resourceNames": ["web:80"],
        "verbs": ["get"],
    } in rules
    assert result.stdout.startswith("# What towpath-dev needs in dev, printed by `towpath rbac`.\n")
    assert "The cluster was not asked" in result.stdout


def test_json_has_the_account_the_objects_and_the_notes(repo: Path) -> None:
    result = rbac(repo, "--offline", "--namespace", "delivery", "--account", "agent", "--output", "json")
    printed = json.loads(result.stdout)
    assert printed["account"] == {"namespace": "delivery", "name": "agent"}
    assert (printed["environment"], printed["commit"], printed["inventories"]) == ("dev", "", False)
    assert {each["kind"] for each in printed["objects"][:2]} == {"ClusterRole", "ClusterRoleBinding"}
    assert len(printed["notes"]) == 2


def test_notes_tell_of_guessed_names_and_of_roles(repo: Path) -> None:
    write(repo, "Fish", "example.com/v1")
    write(repo, "ClusterRole", "rbac.authorization.k8s.io/v1", rules=[])
    text = " ".join(rbac(repo, "--offline").stdout.replace("\n# ", " ").split())
    assert "plural names of Fish.example.com" in text
    assert (
        "ClusterRole web: Kubernetes lets an account write a role when it has all rights of that role" in text
    )


def test_an_app_that_does_not_render_is_told_and_nothing_is_printed(repo: Path) -> None:
    write(repo, "ConfigMap", spec="no")
    (repo / "apps" / "shop" / "dev" / "broken.yaml").write_text("kind: [")
    result = rbac(repo, "--offline")
    assert result.stdout == ""
    assert isinstance(result.exception, RefusedError)
    assert "what dev needs cannot be told" in result.exception.message
    assert "broken.yaml" in result.exception.message


def test_without_a_cluster_the_way_without_one_is_told(repo: Path) -> None:
    result = rbac(repo)
    assert isinstance(result.exception, MissingPartError)
    assert "--offline" in result.exception.remedy


def test_an_unknown_environment_is_told(repo: Path) -> None:
    result = CliRunner().invoke(main, ["rbac", "prod", "--repo", str(repo), "--offline"])
    assert isinstance(result.exception, UnknownNameError)


@pytest.mark.parametrize("option", ["--namespace", "--account"])
def test_an_account_that_cannot_be_is_wrong_usage(repo: Path, option: str) -> None:
    result = rbac(repo, "--offline", option, "My Account")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no name of Kubernetes" in result.stderr


def test_agents_that_share_a_lease_get_a_role_beside_their_account(repo: Path) -> None:
    result = rbac(repo, "--offline", "--namespace", "towpath-system", "--lease")
    assert result.exit_code == 0, result.output
    documents = [each.value for each in load_documents(result.stdout, "rights.yaml")]
    (rule,) = [
        rule
        for each in documents
        if each["kind"] == "Role" and each["metadata"]["namespace"] == "towpath-system"
        for rule in each["rules"]
    ]
    assert rule == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": ["towpath-agent-dev"],
        "verbs": ["get", "create", "update"],
    }
    assert "coordination.k8s.io" not in rbac(repo, "--offline").stdout
