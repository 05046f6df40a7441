"""Charts that Helm itself packages and pushes are vendored from a real registry, and render offline."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart_server import chart_files, chart_server
from tests.own_registry import own_registry
from tests.unit.adapters.git.repositories import run
from tests.unit.engine.vendor.vendored import Vendored, git_repository
from towpath.adapters.rendering.renderers import find_program
from towpath.engine.check.repository import check_repository
from towpath.engine.vendor.outlook import outlooks
from towpath.engine.vendor.plan import VendorPlan, make_plan
from towpath.engine.vendor.write import write_folder
from towpath.errors import RefusedError, TerminalError
from towpath.vendor.lock import load_lock

pytestmark = pytest.mark.integration

# bob, canary-pass
HTPASSWD = "bob:$2b$04$YE4YuYBY4W6T76lp7Q7X1.N4cSpoujyA0eD1u45WqPCnasmdBhp6O\n"


class Helm:
    """The program, with a home of its own."""

    def __init__(self, stack: object, folder: Path) -> None:
        self.tools = stack.settings.tools  # type: ignore[attr-defined]
        self.program = find_program("helm", self.tools)
        self.folder = folder
        folder.mkdir()

    def __call__(self, *args: str) -> str:
        environ = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [self.program, *args], cwd=self.folder, env=environ, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def chart(self, name: str, version: str, **options: object) -> Path:
        """The folder of a chart."""
        folder = self.folder / f"{name}-{version}"
        for path, content in chart_files(name, version, **options).items():  # type: ignore[arg-type]
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    def push(self, chart: Path, registry: str, name: str, version: str) -> None:
        self("package", str(chart), "--destination", str(self.folder / "packages"))
        archive = self.folder / "packages" / f"{name}-{version}.tgz"
        self("push", str(archive), f"oci://{registry}/charts", "--plain-http")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def helm(stack: object, tmp_path: Path) -> Helm:
    return Helm(stack, tmp_path / "helm")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Vendored]:
    with chart_server() as server:
        yield Vendored(tmp_path, server)


def vendor(repo: Vendored, *, update: bool = False) -> VendorPlan:
    plan = make_plan(repo.root, (), repo.resolver, update=update)
    write_folder(repo.root, plan)
    return plan


def test_a_chart_that_helm_pushed_renders_without_the_registry(
    repo: Vendored, helm: Helm, registry: str
) -> None:
    helm.push(helm.chart("common", "0.3.1"), registry, "common", "0.3.1")
    needed = [{"name": "common", "version": "^0.3.0", "repository": f"oci://{registry}/charts"}]
    shop = helm.chart("shop", "1.0.0", dependencies=needed)
    helm("dependency", "update", str(shop), "--plain-http")
    helm.push(shop, registry, "shop", "1.0.0")
    repo.declare(f"{{name: shop, path: apps/shop/base, oci: '{registry}/charts/shop', version: ^1}}")
    vendor(repo)
    assert (repo.root / "apps/shop/base/charts/common/Chart.yaml").is_file()
    assert load_lock(repo.root)["shop"].version == "1.0.0"
    checked = check_repository(repo.root, tools=helm.tools)
    assert [str(each) for each in checked.findings] == []
    assert checked.objects == 2  # of the chart, and of the one that it needs
    helm.push(helm.chart("shop", "1.1.0"), registry, "shop", "1.1.0")
    (seen,) = outlooks(repo.root, (), repo.resolver)
    assert (seen.newer, seen.different) == ("1.1.0", "")
    vendor(repo, update=True)
    assert not (repo.root / "apps/shop/base/charts").exists()


def test_a_version_that_was_pushed_anew_is_refused(repo: Vendored, helm: Helm, registry: str) -> None:
    helm.push(helm.chart("twice", "1.0.0"), registry, "twice", "1.0.0")
    repo.declare(
        f"{{name: twice, path: vendor/twice, oci: 'oci://{registry}/charts/twice', version: '1.0.0'}}"
    )
    vendor(repo)
    before = repo.files()
    helm.push(helm.chart("twice", "1.0.0", files={"x.txt": b"evil"}), registry, "twice", "1.0.0")
    with pytest.raises(RefusedError, match=r"twice 1.0.0: .* other content under the same version"):
        vendor(repo, update=True)
    (seen,) = outlooks(repo.root, (), repo.resolver)
    assert "other content under the same version" in str(seen.refused)
    assert repo.files() == before


def test_dependencies_that_a_chart_does_not_bring_come_as_its_lock_says(repo: Vendored, helm: Helm) -> None:
    repo.server.chart("common", "0.3.1")
    needed = [{"name": "common", "version": "^0.3.0", "repository": repo.server.url}]
    shop = helm.chart("shop", "1.0.0", dependencies=needed)
    helm("repo", "add", "own", repo.server.url)
    helm("dependency", "update", str(shop))
    lock = (shop / "Chart.lock").read_bytes()
    assert yaml.safe_load(lock)["dependencies"][0]["version"] == "0.3.1"
    repo.server.chart("common", "0.3.9")
    repo.server.chart("shop", "1.0.0", dependencies=needed, files={"Chart.lock": lock})
    repo.declare(repo.chart())
    vendor(repo)
    assert load_lock(repo.root)["shop"].dependencies[0].version == "0.3.1"
    assert check_repository(repo.root, tools=helm.tools).findings == ()


def test_the_log_in_of_helm_opens_a_registry(
    repo: Vendored, helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "charts", "path": str(folder / "htpasswd")}}
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(helm.folder / ".config/helm/registry/config.json"))
    with own_registry(folder, auth=auth) as closed:
        repo.declare(f"{{name: shop, path: apps/shop/base, oci: '{closed}/charts/shop', version: ^1}}")
        with pytest.raises(TerminalError, match="no right"):
            vendor(repo)
        helm("registry", "login", closed, "--username", "bob", "--password", "canary-pass", "--plain-http")
        helm.push(helm.chart("shop", "1.0.0"), closed, "shop", "1.0.0")
        vendor(repo)
    text = json.dumps({path: content.decode(errors="replace") for path, content in repo.files().items()})
    assert "canary-pass" not in text
    assert repo.version == "1.0.0"


def test_a_base_of_git_renders_below_an_overlay(repo: Vendored, helm: Helm) -> None:
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\n"
    files = {
        "manifests/base/kustomization.yaml": "resources: [map.yaml]\n",
        "manifests/base/map.yaml": config_map,
        "manifests/ha/kustomization.yaml": "resources: [../base]\nnamePrefix: ha-\n",
        "manifests/ha/docs.md": "not wanted\n",
    }
    url = git_repository(repo.folder / "foreign", files, "v1.2.0", "v2.0.0")
    repo.declare(
        f"{{name: base, path: vendor/base, git: {{repository: '{url}', folder: manifests}}, version: ~1.2,"
        " include: ['**/*.yaml']}"
    )
    config = repo.root / "towpath.yaml"
    config.write_text(config.read_text().replace("renderer: helm", "renderer: kustomize"))
    (repo.root / "apps/shop/dev/values.yaml").unlink()
    (repo.root / "apps/shop/dev/kustomization.yaml").write_text("resources: [../../../vendor/base/ha]\n")
    vendor(repo)
    assert set(repo.files("vendor/base")) == {
        "base/kustomization.yaml",
        "base/map.yaml",
        "ha/kustomization.yaml",
    }
    assert load_lock(repo.root)["base"].commit == run("rev-parse", "v1.2.0", cwd=repo.folder / "foreign")
    checked = check_repository(repo.root, tools=helm.tools)
    assert ([str(each) for each in checked.findings], checked.objects) == ([], 1)
