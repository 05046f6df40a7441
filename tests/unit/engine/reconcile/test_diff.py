"""What of an environment is compared with a cluster, and which apps are not released there yet."""

from pathlib import Path

from towpath.config import load_config
from towpath.engine.reconcile.diff import read_wanted

CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  web: {image: registry.example.com/web, renderer: plain}
  shop: {image: registry.example.com/shop, renderer: plain, environments: [prod]}
  operator: {renderer: plain}
  policies: {renderer: plain}
environments:
  - {name: dev, namespace: dev}
  - {name: prod, namespace: prod}
"""
OBJECT = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}"


def test_an_app_that_is_not_in_the_environment_is_not_called_unreleased_there(tmp_path: Path) -> None:
    (tmp_path / "towpath.yaml").write_text(CONFIG)
    folder = tmp_path / "apps/operator/dev"
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text(OBJECT)
    config = load_config(tmp_path)
    wanted = read_wanted(tmp_path, config, config.environment("dev"), tools=None, cache=None)
    assert (wanted.released, wanted.unreleased, wanted.problems) == (("operator",), ("web",), {})
