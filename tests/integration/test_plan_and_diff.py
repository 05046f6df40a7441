"""`towpath plan` and `towpath diff` of a branch and of an uncommitted folder, as for a pull request."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kube import World, configmap, throw_away

pytestmark = pytest.mark.integration
TOWPATH = [sys.executable, "-c", "from towpath.cli.main import run; run()"]
CONFIG = """\
apiVersion: towpath.dev/v1
apps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}
environments: [{name: test, namespace: %s}]
"""


@pytest.fixture
def world(stack) -> Iterator[World]:
    with throw_away(stack.settings) as world:
        world.objects = [configmap("a", A="1"), configmap("b", A="1")]
        yield world


@pytest.fixture
def repository(world: World, tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    (folder / "apps/hello/test").mkdir(parents=True)
    (folder / "towpath.yaml").write_text(CONFIG % world.namespace)
    write(folder, "a", "1")
    write(folder, "b", "1")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


def write(folder: Path, name: str, value: str) -> None:
    text = f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{A: "{value}"}}\n'
    (folder / f"apps/hello/test/{name}.yaml").write_text(text)


def git(folder: Path, *arguments: str) -> None:
    person = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *person, "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "Change")


def towpath(world: World, repository: Path, *arguments: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(world.kubeconfig),
        "TOWPATH_ENVIRONMENTS": f"file://{repository}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(repository.parent / "cache"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [*TOWPATH, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_exit_code_and_json_of_a_folder_and_a_branch(world: World, repository: Path) -> None:
    code, said = towpath(world, repository, "diff", "hello", "test")
    assert code == 2, said
    assert said.count("\n+ ConfigMap") + said.startswith("+ ConfigMap") == 2
    world.sync()
    assert towpath(world, repository, "diff", "hello", "test")[0] == 0

    git(repository, "switch", "--quiet", "-c", "change")
    write(repository, "a", "2")
    code, said = towpath(world, repository, "diff", "hello", "test", "--repo", str(repository))
    assert (code, '+ /data/A: "2"' in said) == (2, True), said
    commit(repository)
    git(repository, "switch", "--quiet", "main")
    code, said = towpath(
        world, repository, "diff", "hello", "test", "--revision", "change", "--output", "json"
    )
    answer = json.loads(said)
    assert (code, answer["differs"]) == (2, True)
    (entry,) = [each for each in answer["entries"] if each["action"] == "configure"]
    assert entry["differences"] == [{"pointer": "/data/A", "live": "1", "desired": "2"}]
    assert towpath(world, repository, "diff", "hello", "test")[0] == 0
    assert towpath(world, repository, "diff", "hello", "test", "--revision", "gone")[0] == 1
    assert towpath(world, repository, "diff", "helo", "test")[0] == 1


def test_confirm_prints_what_a_commit_needs(world: World, repository: Path) -> None:
    world.sync()
    (repository / "towpath.yaml").write_text(CONFIG.replace("{hello", "{other", 1) % world.namespace)
    code, text = towpath(world, repository, "plan", "hello", "test", "--repo", str(repository), "--confirm")
    assert code == 0, text
    for file in (repository / "apps/hello/test").iterdir():
        file.unlink()
    (repository / "apps/hello/test/prune.yaml").write_text(text)
    code, said = towpath(world, repository, "plan", "hello", "test", "--repo", str(repository))
    assert (code, said.count("- ConfigMap"), "does not confirm" in said) == (0, 2, False), said
