"""`towpath check` of `allowClusterScoped`: each entry that allows nothing has its line."""

import json
from pathlib import Path

from towpath.engine.check.repository import check_repository

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {shop: {renderer: plain}}
environments:
  - name: dev
    namespace: dev
    allowClusterScoped:
      - Namespace
      - Tenant
      - ClusterRol/shop-*
      - Deployment
"""


def write(root: Path, kind: str, api_version: str) -> None:
    folder = root / "apps" / "shop" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}
    (folder / f"{kind.lower()}.json").write_text(json.dumps(manifest))


def test_each_entry_that_allows_nothing_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "towpath.yaml").write_text(CONFIG)
    write(tmp_path, "Tenant", "example.org/v1")
    found = check_repository(tmp_path).findings
    assert [(each.file, each.line) for each in found] == [("towpath.yaml", 9), ("towpath.yaml", 10)]
    assert found[0].message.startswith(
        "environments[0].allowClusterScoped[2]: no cluster-scoped kind ClusterRol"
    )
    assert found[1].message.endswith("Deployment is a kind of namespaces, which needs no entry")


def test_while_an_app_cannot_be_read_an_unknown_kind_may_be_one_of_its(tmp_path: Path) -> None:
    text = CONFIG.replace("Tenant", "Unknown").replace("ClusterRol/", "ClusterRole/")
    (tmp_path / "towpath.yaml").write_text(text)
    write(tmp_path, "Tenant", "example.org/v1")
    (tmp_path / "apps/shop/dev/broken.yaml").write_text("kind: [")
    found = [each.message for each in check_repository(tmp_path).findings if each.file == "towpath.yaml"]
    assert ["Deployment" in message for message in found] == [True]
