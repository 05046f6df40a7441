"""A folder of manifests, plain or a Kustomize base, becomes the base of an app."""

import json

import pytest
import yaml

from towpath.config import parse_config
from towpath.errors import ConfigError
from towpath.scaffold.given import given_base, given_objects, images_in
from towpath.scaffold.repository import scaffold_repository

WEB = """\
kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example.com/web:1"}]
"""
KUSTOMIZATION = "resources: [web.yaml]\n"


def test_a_file_that_is_no_yaml_is_named() -> None:
    with pytest.raises(ConfigError, match=r"bad\.yaml:2: not valid YAML"):
        images_in({"bad.yaml": "a: [\n"})
    with pytest.raises(ConfigError, match=r"kustomization\.yaml:2: not valid YAML"):
        images_in({"kustomization.yaml": "resources: [\n"})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("run.sh", '#!/bin/sh\nif true; then\n\techo "a: b"\nfi\n'),
        ("app.properties", "a=b\n%x\n"),
        ("README.md", "# Base\n\n* item: [x](y)\n`code`\n"),
        ("files/page.html", "<p>{{ x }}</p>\n\tfoo: bar\n"),
        ("init.sql", "select ': \"\n"),
        ("files/prometheus.yaml", "{{ range .Rules }}\n- {{ . }}: {{ end }}\n"),
    ],
)
def test_a_kustomize_base_may_have_any_file_beside_its_manifests(path: str, text: str) -> None:
    manifests = {"kustomization.yaml": KUSTOMIZATION, "web.yaml": WEB, path: text}
    files = scaffold_repository("web", ["dev"], manifests=manifests)
    assert files[f"apps/web/base/{path}"] == text
    assert parse_config(files["towpath.yaml"]).app("web").image == "example.com/web"
    files = scaffold_repository("web", ["dev"], manifests=manifests, without_image=True)
    assert files[f"apps/web/base/{path}"] == text
    assert [each["kind"] for each in given_objects(manifests) if "kind" in each] == ["Deployment"]


def test_manifests_without_a_kustomization_are_listed() -> None:
    base = given_base({"b.yaml": WEB, "a/c.yml": WEB})
    assert yaml.safe_load(base["kustomization.yaml"])["resources"] == ["a/c.yml", "b.yaml"]


SHOP = "registry.example.com/team/shop"


@pytest.mark.parametrize(
    ("manifests", "image"),
    [
        ({"kustomization.yaml": f"images: [{{name: example.com/web, newName: {SHOP}}}]\n"}, f"{SHOP}:1"),
        (
            {"Kustomization": f"images:\n- name: example.com/web\n  newName: {SHOP}\n  newTag: v9\n"},
            f"{SHOP}:1",
        ),
        ({"kustomization.yml": "images:\n- name: example.com/web\n  newTag: v9\n"}, "example.com/web:1"),
        ({"kustomization.yaml": "images:\n- name: web\n  newName: example.com/other\n"}, "example.com/web:1"),
        ({"kustomization.yaml": "images:\n"}, "example.com/web:1"),
    ],
)
def test_an_image_has_the_name_that_the_base_gives_it(manifests: dict[str, str], image: str) -> None:
    assert images_in({**manifests, "web.yaml": WEB}) == [image]


def test_kustomizations_rename_images_from_the_innermost_outwards() -> None:
    manifests = {
        "kustomization.yaml": f"images: [{{name: middle, newName: {SHOP}}}]\n",
        "manager/kustomization.yaml": "images: [{name: controller, newName: middle}]\n",
        "manager/manager.yaml": WEB.replace("example.com/web:1", "controller:latest"),
        "other/kustomization.yaml": "images: [{name: controller, newName: wrong}]\n",
    }
    assert images_in(manifests) == [f"{SHOP}:latest"]


@pytest.mark.parametrize("image", [None, SHOP, f"{SHOP}:7"])
def test_a_promotion_edits_the_image_that_a_base_renames(image: str | None) -> None:
    manifests = {
        "kustomization.yaml": f"{KUSTOMIZATION}images: [{{name: app, newName: {SHOP}, newTag: v9}}]\n",
        "web.yaml": WEB.replace("example.com/web:1", "app"),
    }
    files = scaffold_repository("shop", ["dev"], image=image, manifests=manifests)
    assert parse_config(files["towpath.yaml"]).app("shop").image == SHOP
    assert "images" not in yaml.safe_load(files["apps/shop/dev/kustomization.yaml"])


@pytest.mark.parametrize(
    "path", ["deploy #2.yaml", "[x].yaml", "{a}.yml", "- a.yaml", "&a.yaml", "'a'.yaml", "01", "%a.yaml"]
)
def test_a_file_is_listed_whatever_its_name_is(path: str) -> None:
    path = path if "." in path else f"{path}.yaml"
    base = given_base({path: WEB})
    assert yaml.safe_load(base["kustomization.yaml"])["resources"] == [path]


def test_manifests_in_json_are_taken() -> None:
    web = json.dumps(yaml.safe_load(WEB))
    files = scaffold_repository("web", ["dev"], manifests={"web.json": web})
    assert files["apps/web/base/web.json"] == web
    assert parse_config(files["towpath.yaml"]).app("web").image == "example.com/web"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("docker-compose.yml", "services: {web: {image: redis}}\n"),
        ("values.yaml", "image: {repository: example.com/web, tag: '1'}\n"),
        ("empty.yaml", "# nothing yet\n"),
        ("list.yaml", "- op: remove\n  path: /a\n"),
        ("package.json", '{"name": "web"}'),
        ("tsconfig.json", '{\n  // comment\n  "a": 1\n}'),
    ],
)
def test_what_kustomize_refuses_as_a_resource_is_left_out(path: str, text: str) -> None:
    files = scaffold_repository("web", ["dev"], manifests={"web.yaml": WEB, path: text})
    assert yaml.safe_load(files["apps/web/base/kustomization.yaml"])["resources"] == ["web.yaml"]
    assert f"apps/web/base/{path}" not in files


def test_a_manifest_that_lacks_its_kind_is_no_other_file() -> None:
    base = given_base({"web.yaml": WEB, "a.yaml": "apiVersion: v1\nmetadata: {name: a}\n"})
    assert "a.yaml" in base


def test_files_without_any_manifest_make_no_base() -> None:
    with pytest.raises(ConfigError, match=r"no manifests \(\*\.yaml, \*\.yml, \*\.json\) are there"):
        given_base({"values.yaml": "a: 1\n"})


@pytest.mark.parametrize(
    "path", ["a:b.yaml", "what?.yaml", "github.com/web.yaml", "sub/a:b.yaml", "~web.yaml"]
)
def test_a_file_whose_name_the_renderer_refuses_is_refused_before_anything_is_written(path: str) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    with pytest.raises(ConfigError, match="takes its name for an address: rename it") as caught:
        given_base({"fine.yaml": service, path: service})
    assert caught.value.file == path
