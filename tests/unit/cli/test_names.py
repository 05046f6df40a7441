"""cli/names.py: what people name is looked for with the credentials that Towpath was given."""

from pathlib import Path

import pytest

from towpath.adapters.git import Checkout
from towpath.cli import names
from towpath.settings import Settings

TOWPATH_YAML = """\
apiVersion: towpath.dev/v1
apps:
  hello: {image: example.com/hello, source: {repository: ../hello.git}}
environments:
  - {name: dev, namespace: dev}
"""


def test_a_source_beside_the_environment_repository_is_fetched_with_its_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        names, "resolve_revision", lambda url, *_args, **_options: asked.append(url) or "c" * 40
    )
    (tmp_path / "towpath.yaml").write_text(TOWPATH_YAML)
    url = "https://bob:canary@git.example.com/team/environments.git"
    settings = Settings.load({"HOME": str(tmp_path), "TOWPATH_ENVIRONMENTS": url})
    checkout = Checkout(tmp_path, "https://git.example.com/team/environments.git", "c" * 40, "main", tmp_path)
    names.Environments(settings, checkout, names.load_config(tmp_path)).revision("hello", None)
    assert asked == ["https://bob:canary@git.example.com/team/hello.git"]
