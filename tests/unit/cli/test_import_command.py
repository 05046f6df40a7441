"""`towpath import`: a repository beside the former one, or a list of what it would be."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from tests.unit.adapters.git.repositories import run
from tests.unit.engine.imports.foreign_repositories import ARGO_URL, argo, flux, write
from towpath.cli.main import main


def towpath(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, args)])


def test_a_repository_is_written_and_notes_have_their_lines(tmp_path: Path) -> None:
    source, folder = flux(tmp_path / "fleet"), tmp_path / "environments"
    done = towpath(folder, "--from", source)
    assert done.exit_code == 0, done.output
    assert "not carried over: fleet/sync.yaml:9: Kustomization maps: `spec.postBuild`" in done.output
    assert "2 apps in 1 environment, 1 note." in done.output
    assert f"towpath vendor --repo {folder}" in done.output
    assert (folder / "towpath.yaml").is_file()
    before = sorted(folder.rglob("*"))
    again = towpath(folder, "--from", source)
    assert again.exit_code == 1
    assert "is there already" in str(again.exception)
    assert sorted(folder.rglob("*")) == before


def test_the_clone_says_which_repository_it_is(tmp_path: Path) -> None:
    source = argo(tmp_path / "gitops")
    run("init", "-q", cwd=source)
    run("remote", "add", "origin", "git@git.example.com:team/gitops", cwd=source)
    done = towpath(tmp_path / "new", "--from", source, "--check", "--output", "json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["environments"] == ["dev", "prod"]
    assert not found["written"]
    assert found["notes"] == []
    assert "towpath.yaml" in found["files"]
    assert not (tmp_path / "new").exists()
    assert (
        json.loads(towpath("--from", source, "--check", "--url", ARGO_URL, "--output", "json").output)
        == found
    )


def test_where_nothing_is_found_nothing_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "x", {"a.yaml": "kind: Deployment\napiVersion: apps/v1\n", "b.yaml": "{{"})
    done = towpath(tmp_path / "new", "--from", source)
    assert done.exit_code == 1
    assert "No app was found" in done.output
    assert not (tmp_path / "new").exists()
    assert towpath(tmp_path / "new").exit_code == 2
