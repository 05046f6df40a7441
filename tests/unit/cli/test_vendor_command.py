"""`towpath vendor`: a folder, a proposal in a real repository, and exit codes that CI can use."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.chart_server import chart_server
from tests.unit.adapters.git.repositories import run
from tests.unit.engine.vendor.vendored import Vendored
from towpath.cli.main import main


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Vendored]:
    with chart_server() as server:
        found = Vendored(tmp_path, server)
        server.chart("shop", "1.0.0", files={"icon.png": b"\x89PNG\xff"})
        found.declare(found.chart())
        yield found


def towpath(repo: Vendored, *args: str) -> Result:
    environ = {
        "TOWPATH_ENVIRONMENTS": str(repo.bare),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(repo.cache),
        "TOWPATH_HOME": str(repo.folder / "home"),
        "TOWPATH_ACTOR": "alice",
    }
    return CliRunner(env=environ).invoke(main, args)


def in_folder(repo: Vendored, *args: str) -> Result:
    return towpath(repo, "vendor", "--repo", str(repo.root), *args)


def test_a_folder_is_written_and_a_second_time_nothing(repo: Vendored) -> None:
    done = in_folder(repo)
    assert done.exit_code == 0, done.output
    assert "apps/shop/base: shop 1.0.0\n1 change written." in done.output
    assert repo.version == "1.0.0"
    assert "nothing to vendor" in in_folder(repo).output
    repo.server.chart("shop", "1.1.0")
    assert "shop 1.0.0 -> 1.1.0" in in_folder(repo, "--update", "shop").output


def test_a_commit_is_proposed_and_one_alone(repo: Vendored) -> None:
    repo.publish()
    done = towpath(repo, "vendor")
    assert done.exit_code == 0, done.output
    assert "1 change proposed on branch towpath/vendor (commit " in done.output
    assert run("rev-list", "--count", "main..towpath/vendor", cwd=repo.bare) == "1"
    assert run("rev-list", "--count", "main", cwd=repo.bare) == "1"
    changed = run("diff", "--name-only", "main", "towpath/vendor", cwd=repo.bare).split()
    assert changed == [
        "apps/shop/base/Chart.yaml",
        "apps/shop/base/icon.png",
        "apps/shop/base/templates/map.yaml",
        "apps/shop/base/values.yaml",
        "vendor.lock.yaml",
    ]
    assert run("log", "-1", "--format=%an %s", "towpath/vendor", cwd=repo.bare) == "alice Vendor shop 1.0.0"
    assert "already proposed on branch towpath/vendor" in towpath(repo, "vendor").output
    repo.server.chart("shop", "1.1.0")
    assert "proposed on branch" in towpath(repo, "vendor", "--update").output
    assert run("rev-list", "--count", "main..towpath/vendor", cwd=repo.bare) == "2"
    run("fetch", "-q", str(repo.bare), "towpath/vendor", cwd=repo.root)
    run("merge", "-q", "FETCH_HEAD", cwd=repo.root)
    run("push", "-q", str(repo.bare), "main", cwd=repo.root)
    assert towpath(repo, "vendor", "--check").exit_code == 0
    assert "nothing to vendor" in towpath(repo, "vendor", "--update").output


def test_a_branch_with_a_persons_commit_is_left(repo: Vendored) -> None:
    repo.publish()
    assert towpath(repo, "vendor").exit_code == 0
    run("fetch", "-q", str(repo.bare), "towpath/vendor", cwd=repo.root)
    run("checkout", "-q", "-b", "mine", "FETCH_HEAD", cwd=repo.root)
    run("commit", "-q", "--allow-empty", "-m", "Mine", cwd=repo.root)
    run("push", "-q", str(repo.bare), "mine:towpath/vendor", cwd=repo.root)
    repo.server.chart("shop", "1.1.0")
    done = towpath(repo, "vendor", "--update")
    assert done.exit_code == 1
    assert "has a commit of Ann" in str(done.exception)


def test_the_exit_code_of_a_check_says_what_is_the_matter(repo: Vendored) -> None:
    def check() -> tuple[int, str]:
        done = in_folder(repo, "--check")
        return done.exit_code, done.output

    assert check() == (4, "shop: is not vendored yet; `towpath vendor` fetches it\n")
    in_folder(repo)
    before = repo.files()
    assert check() == (0, "shop: 1.0.0\n")
    repo.server.chart("shop", "1.1.0")
    assert check() == (3, "shop: 1.0.0; 1.1.0 is newer\n")
    (repo.root / "apps/shop/base/values.yaml").write_text("x: 1\n")
    assert check() == (4, "shop: 1.0.0; apps/shop/base was changed by hand (values.yaml); 1.1.0 is newer\n")
    repo.server.chart("shop", "1.0.0")  # without the icon
    code, said = check()
    assert (code, "other content under the same version" in said) == (1, True)
    (repo.root / "apps/shop/base/values.yaml").write_bytes(before["apps/shop/base/values.yaml"])
    assert repo.files() == before


def test_json_is_whole(repo: Vendored) -> None:
    (entry,) = json.loads(in_folder(repo, "--output", "json").output)["entries"]
    assert (entry["name"], entry["before"], entry["version"], entry["changed"]) == (
        "shop",
        None,
        "1.0.0",
        True,
    )
    repo.server.chart("shop", "1.1.0")
    (entry,) = json.loads(in_folder(repo, "--check", "--output", "json").output)["entries"]
    assert (entry["version"], entry["newer"], entry["different"], entry["error"]) == (
        "1.0.0",
        "1.1.0",
        None,
        None,
    )


def test_passwords_are_in_no_output_and_no_file(repo: Vendored, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.publish()
    repo.server.login = "bob:hunter2hunter2"
    done = towpath(repo, "vendor")
    assert done.exit_code == 1
    assert "no right to read it" in str(done.exception)
    monkeypatch.setenv("TOWPATH_LOGIN_127_0_0_1", "bob:hunter2hunter2")
    done = towpath(repo, "vendor", "--output", "json")
    assert done.exit_code == 0, done.output
    shown = done.output + run(
        "show", "--text", "--format=%B", "towpath/vendor", "--", "vendor.lock.yaml", cwd=repo.bare
    )
    assert "hunter2" not in shown
    assert "Ym9iOmh1bnRlcjI" not in shown
    repo.declare("{name: shop, path: x, chart: {repository: 'http://bob:hunter2@x', name: x}, version: '1'}")
    assert "hunter2" not in str(in_folder(repo).exception)


def test_check_takes_no_changes_and_the_schema_is_printed(repo: Vendored) -> None:
    assert in_folder(repo, "--check", "--update").exit_code == 2
    assert in_folder(repo, "nobody").exit_code == 1
    schema = json.loads(towpath(repo, "check", "--schema", "vendor.yaml").output)
    assert schema["title"] == "vendor.yaml"


def test_check_of_the_repository_knows_what_is_vendored(repo: Vendored) -> None:
    def check() -> str:
        return towpath(repo, "check", "--repo", str(repo.root)).output

    assert "vendor.yaml:3: shop: is not vendored yet" in check()
    in_folder(repo)
    assert "vendor" not in check().replace("apps/shop", "")
    (repo.root / "apps/shop/base/values.yaml").write_text("x: 1\n")
    assert "vendor.yaml:3: shop: apps/shop/base is not as it was vendored" in check()
    repo.declare("{name: shop, path: ../x}")
    assert "vendor.yaml:3: " in check()
