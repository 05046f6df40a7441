"""Argo CD and Flux write into the kustomization of a folder; an overlay above it has the same effect."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.engine.imports.foreign_repositories import ARGO_URL, write
from towpath.engine.imports.assemble import Imported, assemble
from towpath.engine.imports.collect import collect
from towpath.engine.imports.replaced import doubled, on_top, own_kustomization

RENAMED = {"images": [{"name": "web", "newName": "example.com/web", "newTag": "1.2"}]}
WEB2 = {"name": "web", "newName": "example.com/web2", "newTag": "v3"}


@pytest.mark.parametrize(
    ("own", "wanted", "image"),
    [
        (RENAMED, WEB2, {**WEB2, "name": "example.com/web"}),
        (
            RENAMED,
            {"name": "web", "newTag": "v3"},
            {"name": "example.com/web", "newName": "web", "newTag": "v3"},
        ),
        (
            RENAMED,
            {"name": "web", "digest": "sha256:1"},
            {"name": "example.com/web", "newName": "web", "digest": "sha256:1"},
        ),
        (RENAMED, {"name": "example.com/web", "newTag": "v3"}, {"name": "example.com/web", "newTag": "v3"}),
        (RENAMED, {"name": "other", "newTag": "v3"}, {"name": "other", "newTag": "v3"}),
        ({"images": [{"name": "web", "newTag": "1.2"}]}, WEB2, WEB2),
        ({"images": None}, WEB2, WEB2),
        ({}, WEB2, WEB2),
    ],
)
def test_an_image_is_named_as_the_kustomization_below_gives_it(
    own: dict[str, Any], wanted: dict[str, Any], image: dict[str, Any]
) -> None:
    assert on_top({"nameSuffix": "-x", "images": [wanted]}, own) == {"nameSuffix": "-x", "images": [image]}


def test_without_images_the_overlay_stays() -> None:
    assert on_top({"namePrefix": "a-"}, RENAMED) == {"namePrefix": "a-"}


def test_what_is_added_in_place_of_replaced_is_told() -> None:
    both = {"namePrefix": "new-", "nameSuffix": "-x"}
    (said,) = doubled(both, {"namePrefix": "old-"})
    assert "`namePrefix` replaces that of the kustomization ('old-')" in said
    assert len(list(doubled(both, {"namePrefix": "new-", "nameSuffix": "-y"}))) == 2
    assert list(doubled(both, {"nameSuffix": ""})) == []
    assert list(doubled({}, {"namePrefix": "old-"})) == []


@pytest.mark.parametrize("pinned", [{"newTag": "1.2"}, {"digest": "sha256:1"}])
def test_a_tag_that_an_image_takes_away_is_told(pinned: dict[str, str]) -> None:
    own = {"images": [{"name": "web", **pinned}]}
    (said,) = doubled({"images": [{"name": "web", "newName": "example.com/web"}]}, own)
    assert "image web has no tag" in said
    for kept in ({"newTag": "*"}, {"newTag": "2"}, {"digest": "sha256:2"}):
        assert list(doubled({"images": [{"name": "web", "newName": "example.com/web", **kept}]}, own)) == []
    assert list(doubled({"images": [{"name": "other", "newName": "a"}, {"newTag": ""}]}, own)) == []


@pytest.mark.parametrize(("folder", "name"), [(".", "kustomization.yaml"), ("a/b", "Kustomization")])
def test_the_kustomization_of_a_folder(folder: str, name: str) -> None:
    path = name if folder == "." else f"{folder}/{name}"
    assert own_kustomization({path: b"namePrefix: a-\n", "c/kustomization.yaml": b"{}"}, folder) == {
        "namePrefix": "a-"
    }
    assert own_kustomization({"c/kustomization.yaml": b"namePrefix: c-\n"}, folder) == {}


def made_of(root: Path, kustomize: str) -> Imported:
    files = {
        "argocd/web.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
        f"spec: {{source: {{repoURL: '{ARGO_URL}', path: web, kustomize: {kustomize}}},"
        " destination: {namespace: web}, syncPolicy: {automated: {prune: true, selfHeal: true}}}\n",
        "web/kustomization.yaml": yaml.safe_dump(
            {"namePrefix": "old-", "resources": ["map.yaml"], **RENAMED}
        ),
        "web/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n",
    }
    deployments, notes = collect(write(root, files), [ARGO_URL])
    return assemble(root, deployments, notes)


def test_an_application_of_argo_replaces_an_image_and_a_prefix(tmp_path: Path) -> None:
    made = made_of(tmp_path, "{images: ['web=example.com/web2:v3'], namePrefix: new-}")
    overlay = yaml.safe_load(made.files["apps/web/web/kustomization.yaml"])
    assert overlay["images"] == [{**WEB2, "name": "example.com/web"}]
    assert any("`namePrefix` replaces" in str(note) for note in made.notes)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("web=*:v2", {"name": "example.com/web", "newTag": "v2"}),
        ("web=example.com/web2:*", {"name": "example.com/web", "newName": "example.com/web2"}),
        ("other=*:v2", {"name": "other", "newTag": "v2"}),
        ("other=*@sha256:1", {"name": "other", "digest": "sha256:1"}),
    ],
)
def test_a_star_keeps_what_is_there(tmp_path: Path, text: str, image: dict[str, str]) -> None:
    made = made_of(tmp_path, f"{{images: ['{text}']}}")
    assert yaml.safe_load(made.files["apps/web/web/kustomization.yaml"])["images"] == [image]
