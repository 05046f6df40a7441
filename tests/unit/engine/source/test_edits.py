"""A promotion's edit takes effect: rendered by the real Kustomize, the app runs the digest."""

from pathlib import Path

import pytest

from towpath.adapters.rendering.renderers import find_program
from towpath.config import parse_config
from towpath.engine.source.edits import Renderers, image_edits
from towpath.engine.source.render import render_app
from towpath.errors import MissingPartError
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file, release_path
from towpath.settings import Settings

PROGRAMS = Renderers(Settings.load({"HOME": str(Path.home())}).tools)
DIGEST = "sha256:" + "1" * 64


def has_kustomize() -> bool:
    try:
        return bool(find_program("kustomize", PROGRAMS.tools))
    except MissingPartError:
        return False


def repository(root: Path, image: str, base: str, overlay: str, more: str = "") -> str:
    """Promotes the app in an overlay and renders it; the text of the kustomization afterwards."""
    config = parse_config(
        f"apiVersion: towpath.dev/v2\napps: {{shop: {{image: {image}}}}}\n"
        "environments: [{name: dev, namespace: dev}]\n"
    )
    files = {
        "apps/shop/base/kustomization.yaml": f"resources: [pod.yaml]\n{more}",
        "apps/shop/base/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n"
        f"  containers: [{{name: a, image: '{base}'}}]\n"
        f"  volumes: [{{name: v, image: {{reference: '{base}'}}}}]\n",
        "apps/shop/dev/kustomization.yaml": f"resources: [../base]\n{overlay}",
    }
    release = Release(
        app="shop",
        images=one_image("shop", image, DIGEST),
        commit="1" * 40,
        source="https://example.com/shop.git",
        subject="x",
        author="Ann <ann@example.com>",
        built_at="2026-01-01T00:00:00Z",
        scan=ScanSummary("passed", ("secret",)),
        flow_run="f",
    )
    files[release_path("shop", "dev")] = dump_release_file(EnvironmentRelease(release, "now", "ann"), V2)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    edits = image_edits(root, config, "shop", "dev", release.images, PROGRAMS)
    (pod,) = render_app(root, config, "shop", "dev", tools=PROGRAMS.tools, edits=edits).objects
    assert pod["spec"]["containers"][0]["image"].endswith(f"@{DIGEST}")
    assert pod["spec"]["volumes"][0]["image"]["reference"].endswith(f"@{DIGEST}")
    return edits["apps/shop/dev/kustomization.yaml"]


@pytest.mark.skipif(not has_kustomize(), reason="needs kustomize")
@pytest.mark.parametrize(
    ("image", "base", "overlay"),
    [
        ("docker.io/acme/shop", "docker.io/acme/shop:1", "images: [{name: acme/shop}]\n"),
        ("docker.io/acme/shop", "acme/shop", "images: [{name: docker.io/acme/shop, newTag: '2'}]\n"),
        ("docker.io/acme/shop", "index.docker.io/acme/shop:1", ""),
        ("docker.io/library/nginx", "nginx:1", "images: [{name: library/nginx}]\n"),
        ("docker.io/acme/shop", "acme/shop", 'images:\n  - name: acme/shop\n    newTag: "1.4"\t# pinned\n'),
        ("docker.io/acme/shop", "acme/shop", "images:\t[{name: acme/shop,\tnewTag: x}]\n"),
        ("docker.io/acme/shop", "acme/shop", "\r\nimages:\r\n- {name:  acme/shop}\r\n"),
        ("docker.io/library/nginx", "library/nginx", "images: [{name: nginx}]\n"),
        ("registry.example.com/shop", "Registry.example.com:443/shop", ""),
        (
            "registry.example.com/shop",
            "shop:dev",
            "images: [{name: shop, newName: registry.example.com/shop}]\n",
        ),
    ],
)
def test_the_entry_takes_effect_and_there_is_one(tmp_path: Path, image: str, base: str, overlay: str) -> None:
    assert repository(tmp_path, image, base, overlay).count("name:") == 1


@pytest.mark.skipif(not has_kustomize(), reason="needs kustomize")
def test_the_name_that_a_base_gives_the_image_is_the_one_that_counts(tmp_path: Path) -> None:
    renamed = "images: [{name: shop, newName: acme/shop}]\n"
    text = repository(
        tmp_path, "docker.io/acme/shop", "shop:1", "images: [{name: docker.io/acme/shop}]\n", renamed
    )
    assert "name: acme/shop," in text
