"""A scaffolded repository is right from its first commit."""

import os
from pathlib import Path

import pytest
import yaml

from towpath.adapters.rendering.renderers import kustomize_command
from towpath.config import parse_config
from towpath.engine.check.repository import check_repository
from towpath.errors import RefusedError, TowpathError
from towpath.overlay.image_edit import edit_image
from towpath.scaffold.repository import scaffold_repository
from towpath.settings import Settings

DIGEST = "sha256:" + "1" * 64
TOOLS = Settings.load(os.environ).tools
WEB = """\
kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: "nginx:1.27"}]
      containers: [{name: web, image: "nginx:1.27"}]
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n"


def has_kustomize() -> bool:
    try:
        kustomize_command(TOOLS)
    except TowpathError:
        return False
    return True


def test_for_an_image() -> None:
    files = scaffold_repository(
        "shop", ["dev", "prod"], image="registry.example.com/team/shop:1.4", port=9000
    )
    config = parse_config(files["towpath.yaml"])
    assert config.app("shop").image == "registry.example.com/team/shop"
    assert [each.name for each in config.environments] == ["dev", "prod"]
    deployment = yaml.safe_load(files["apps/shop/base/deployment.yaml"])
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example.com/team/shop:1.4"
    assert container["ports"] == [{"name": "http", "containerPort": 9000}]


def test_manifests_become_the_base_as_they_are_without_their_namespaces() -> None:
    files = scaffold_repository("web", ["dev"], manifests={"web.yaml": WEB, "ns.yaml": NAMESPACE})
    assert files["apps/web/base/web.yaml"] == WEB
    assert "apps/web/base/ns.yaml" not in files
    assert yaml.safe_load(files["apps/web/base/kustomization.yaml"])["resources"] == ["web.yaml"]


def test_a_short_image_name_is_mapped_to_its_registry() -> None:
    files = scaffold_repository("web", ["dev"], manifests={"web.yaml": WEB})
    path = "apps/web/dev/kustomization.yaml"
    image = parse_config(files["towpath.yaml"]).app("web").image
    assert image == "docker.io/library/nginx"
    edited = edit_image("kustomize", {path: files[path]}, image, DIGEST)
    assert yaml.safe_load(edited[path])["images"] == [{"name": "nginx", "newName": image, "digest": DIGEST}]


def test_another_registry_for_the_image_of_that_name() -> None:
    files = scaffold_repository("web", ["dev"], image="127.0.0.1:5000/nginx", manifests={"web.yaml": WEB})
    overlay = yaml.safe_load(files["apps/web/dev/kustomization.yaml"])
    assert overlay["images"] == [{"name": "nginx", "newName": "127.0.0.1:5000/nginx"}]


def test_which_image_must_be_clear() -> None:
    two = {"a.yaml": WEB, "b.yaml": WEB.replace("nginx", "redis")}
    with pytest.raises(RefusedError, match="which one is to be promoted"):
        scaffold_repository("web", ["dev"], manifests=two)
    with pytest.raises(RefusedError, match="no image"):
        scaffold_repository("web", ["dev"], manifests={"a.yaml": NAMESPACE})
    with pytest.raises(RefusedError, match="no manifest runs"):
        scaffold_repository("web", ["dev"], image="example.com/other", manifests={"web.yaml": WEB})


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: teams.example.com}
spec:
  group: example.com
  names: {kind: Team, plural: teams}
  scope: Cluster
---
apiVersion: example.com/v1
kind: Team
metadata: {name: blue}
"""


def test_manifests_without_image_become_an_app_that_is_synced_as_it_is() -> None:
    files = scaffold_repository("crds", ["dev", "prod"], manifests={"crd.yaml": CRD}, without_image=True)
    config = parse_config(files["towpath.yaml"])
    assert (config.app("crds").images, config.app("crds").promote) == ({}, "manifests")
    assert config.environment("prod").allow_cluster_scoped == (
        *("Namespace", "CustomResourceDefinition", "Team"),
    )
    assert yaml.safe_load(files["apps/crds/prod/kustomization.yaml"])["namespace"] == "prod"
    assert files["apps/crds/base/crd.yaml"] == CRD
    assert not any("image" in each for path, each in files.items() if path.startswith("apps/"))


def test_what_runs_images_of_others_may_be_synced_as_it_is_too() -> None:
    files = scaffold_repository("web", ["dev"], manifests={"web.yaml": WEB}, without_image=True)
    assert "allowClusterScoped" not in files["towpath.yaml"]
    assert parse_config(files["towpath.yaml"]).app("web").is_released is False


def test_a_chart_and_a_kustomization_further_down_are_refused() -> None:
    with pytest.raises(RefusedError, match="Helm"):
        scaffold_repository("web", ["dev"], manifests={"Chart.yaml": "name: x\n", "web.yaml": WEB})
    with pytest.raises(RefusedError, match="below the folder"):
        scaffold_repository("web", ["dev"], manifests={"base/kustomization.yaml": "x: 1\n", "web.yaml": WEB})


@pytest.mark.skipif(not has_kustomize(), reason="needs kustomize or kubectl")
@pytest.mark.parametrize("manifests", [None, {"web.yaml": WEB, "ns.yaml": NAMESPACE}])
def test_it_passes_the_check(tmp_path: Path, manifests: dict[str, str] | None) -> None:
    image = "example.com/web:1" if manifests is None else None
    for path, text in scaffold_repository("web", ["dev", "prod"], image=image, manifests=manifests).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert check_repository(tmp_path, tools=TOOLS).findings == ()


@pytest.mark.skipif(not has_kustomize(), reason="needs kustomize or kubectl: `towpath doctor --get`")
@pytest.mark.parametrize(
    ("app", "environment"), [("1e3", "08"), ("on", "y"), ("0x1f", "1-2"), ("null", "no")]
)
def test_names_that_look_like_numbers_or_words_stay_names(app: str, environment: str, tmp_path: Path) -> None:
    for name, text in scaffold_repository(
        app, [environment, "prod"], image="registry.example.com/shop:1e3"
    ).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    checked = check_repository(tmp_path, tools=TOOLS)
    assert [str(finding) for finding in checked.findings] == []
    assert checked.apps == 1
