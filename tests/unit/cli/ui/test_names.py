"""cli/ui/names.py: what people name is looked for with the credentials that Towpath was given."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.adapters.git import Checkout
from towpath.cli.history import command as history
from towpath.cli.ui import names
from towpath.config import load_config
from towpath.engine.source.repository import read_repository
from towpath.settings import Settings

TOWPATH_YAML = """\
apiVersion: towpath.dev/v2
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
    names.Environments(checkout, load_config(tmp_path), settings).revision("hello", None)
    assert asked == ["https://bob:canary@git.example.com/team/hello.git"]


def test_the_environment_repository_is_read_as_a_run_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = tmp_path / "environments"
    (origin / "dev").mkdir(parents=True)
    (origin / "towpath.yaml").write_text(TOWPATH_YAML)
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=origin, check=True)
    environ = {
        "TOWPATH_CACHE": str(tmp_path / "cache"),
        "TOWPATH_ENVIRONMENTS": f"file://{origin}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
    }
    settings = Settings.load({"HOME": str(tmp_path), **environ})
    found, same = names.load_environments(settings), read_repository(settings)
    assert (found.checkout, found.config) == (same.checkout, same.config)
    assert found.release("hello", "dev") is None

    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(history, ["hello", "--environment", "dev"])
    assert shown.output == "hello is not released in dev yet.\n"
