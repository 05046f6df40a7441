"""Rendering edits gives what rendering after their commit gives; the checkout is not touched."""

import os
import shutil
from pathlib import Path

import pytest

from towpath.adapters.rendering.renderers import render
from towpath.config import parse_config
from towpath.files import Edits
from towpath.settings import Settings

TOOLS = Settings.load(os.environ).tools
CONFIG = """\
apiVersion: towpath.dev/v2
apps: {shop: {image: r.example.com/shop, renderer: RENDERER}}
environments: [{name: dev, namespace: dev}]
"""
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: '1'}\n"
FILES = {
    "plain": {"base/a.yaml": SETTINGS.replace("NAME", "a"), "dev/b.yaml": SETTINGS.replace("NAME", "b")},
    "kustomize": {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": SETTINGS.replace("NAME", "a"),
        "dev/kustomization.yaml": "resources: [../base, ../linked, link.yaml]\n",
        "other/kustomization.yaml": "resources: [o.yaml]\n",
        "other/o.yaml": SETTINGS.replace("NAME", "o"),
        "dev/file.txt": SETTINGS.replace("NAME", "file"),
    },
    "helm": {
        "base/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "base/templates/a.yaml": SETTINGS.replace("NAME", "{{ .Values.name }}"),
        "dev/values.yaml": "name: a\n",
    },
}
EDITS: dict[str, Edits] = {
    "plain": {
        "apps/shop/dev/b.yaml": None,
        "apps/shop/dev/c.yaml": SETTINGS.replace("NAME", "c"),
        "apps/shop/base/a.yaml": SETTINGS.replace("NAME", "edited"),
    },
    "kustomize": {
        "apps/shop/dev/kustomization.yaml": "resources: [../base, ../linked, link.yaml, new.yaml]\n",
        "apps/shop/dev/new.yaml": SETTINGS.replace("NAME", "new"),
        "apps/shop/other/o.yaml": SETTINGS.replace("NAME", "edited"),
    },
    "helm": {"apps/shop/dev/values.yaml": "name: edited\n"},
}


@pytest.mark.parametrize("renderer", sorted(FILES))
def test_edits_render_as_they_would_when_committed(tmp_path: Path, renderer: str) -> None:
    root, committed = tmp_path / "root", tmp_path / "committed"
    for name, text in FILES[renderer].items():
        file = root / "apps/shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    if renderer == "kustomize":
        (root / "apps/shop/linked").symlink_to("other")
        (root / "apps/shop/dev/link.yaml").symlink_to("file.txt")
    shutil.copytree(root, committed, symlinks=True)
    for path, edit in EDITS[renderer].items():
        if edit is None:
            (committed / path).unlink()
        else:
            (committed / path).write_text(edit)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    config = parse_config(CONFIG.replace("RENDERER", renderer))
    app, environment = config.app("shop"), config.environment("dev")
    rendered = render(root, app, environment, tools=TOOLS, edits=EDITS[renderer])
    assert rendered == render(committed, app, environment, tools=TOOLS)
    assert rendered != render(root, app, environment, tools=TOOLS)
    assert {file: file.read_bytes() for file in root.rglob("*") if file.is_file()} == before
