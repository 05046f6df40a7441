"""`towpath import`: a repository beside the former one, or of the cluster, or a list of what it would be."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.adapters.git.repositories import run
from tests.unit.cli.running_app import RunningApp, configmap
from tests.unit.engine.imports.foreign_repositories import ARGO_URL, argo, flux, write
from tests.unit.foreign.helm_records import content, record
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


def test_a_namespace_of_the_cluster(app: RunningApp, tmp_path: Path) -> None:
    app.api.add(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}},
        configmap("shop"),
    )
    folder = tmp_path / "new"
    checked = app.run("import", str(folder), "--namespace", "shop", "--check", "--output", "json")
    assert checked.exit_code == 0, checked.output
    found = json.loads(checked.output)
    assert found["files"] == ["apps/shop/shop/configmap-settings.yaml", "towpath.yaml"]
    assert [(each["file"], each["line"]) for each in found["notes"]] == [("Secret shop/db", 0)]
    assert not folder.exists()
    done = app.run("import", str(folder), "--namespace", "shop")
    assert done.exit_code == 0, done.output
    assert "not carried over: Secret shop/db: a Secret is never written to Git" in done.output
    assert "1 app in 1 environment, 1 note." in done.output
    assert (folder / "towpath.yaml").is_file()


def test_a_helm_release_of_the_cluster(app: RunningApp, tmp_path: Path) -> None:
    app.api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, record(content()))
    done = app.run("import", str(tmp_path / "new"), "--namespace", "shop", "--helm-release", "cache")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "new/apps/cache/base/Chart.yaml").is_file()
    missing = app.run("import", str(tmp_path / "new"), "--namespace", "shop", "--helm-release", "cash")
    assert missing.exit_code == 1
    assert "unknown Helm release 'cash'" in str(missing.exception)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--from", ".", "--namespace", "shop"),
        ("--from", ".", "--context", "c"),
        ("--from", ".", "--helm-release", "web"),
        ("--helm-release", "web"),
        ("--namespace", "shop", "--url", "https://example.com/x"),
    ],
)
def test_files_or_the_cluster(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = towpath(tmp_path / "new", *options)
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "new").exists()
