"""What a plan changes: locked versions stay, changed folders are not overwritten, the lock is the judge."""

import pytest

from tests.unit.engine.vendor.vendored import Vendored, git_repository
from towpath.engine.vendor.compare import vendor_problems
from towpath.engine.vendor.plan import VendorPlan, make_plan
from towpath.engine.vendor.write import write_folder
from towpath.errors import ConfigError, RefusedError, TerminalError, TransientError, UnknownNameError
from towpath.vendor.lock import load_lock


def vendor(repo: Vendored, *names: str, update: bool = False, overwrite: bool = False) -> VendorPlan:
    plan = make_plan(repo.root, names, repo.resolver, update=update, overwrite=overwrite)
    write_folder(repo.root, plan)
    return plan


def test_what_is_declared_is_fetched_and_a_second_time_nothing(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.server.chart("shop", "2.0.0")
    repo.declare(repo.chart())
    assert [each.message for each in vendor_problems(repo.root)] == [
        "shop: is not vendored yet; `towpath vendor` fetches it"
    ]
    assert vendor(repo).is_change
    assert repo.version == "1.0.0"
    assert [*vendor_problems(repo.root)] == []
    before, asked = repo.files(), len(repo.server.asked)
    assert not vendor(repo).is_change
    assert repo.files() == before
    assert len(repo.server.asked) == asked  # nobody is asked


def test_what_is_newer_is_taken_by_update_alone(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    repo.server.chart("shop", "1.1.0")
    assert not vendor(repo).is_change
    assert vendor(repo, update=True).is_change
    assert repo.version == "1.1.0"
    assert not vendor(repo, update=True).is_change
    repo.declare(repo.chart("1.0.0"))
    assert "is not as vendor.yaml says" in next(vendor_problems(repo.root)).message
    vendor(repo)
    assert repo.version == "1.0.0"


def test_a_folder_that_is_not_there_is_fetched_as_it_was_locked(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    before = repo.files()
    repo.server.chart("shop", "1.1.0")
    for path in (repo.root / "apps/shop/base/templates").iterdir():
        path.unlink()
    with pytest.raises(RefusedError, match=r"changed by hand \(templates/map.yaml\)"):
        vendor(repo)
    vendor(repo, overwrite=True)
    assert repo.files() == before


@pytest.mark.parametrize("change", ["edit", "add", "remove", "link"])
def test_a_folder_that_was_changed_by_hand_is_not_overwritten(repo: Vendored, change: str) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    file = repo.root / "apps/shop/base/values.yaml"
    if change == "add":
        file.with_name("more.yaml").write_text("x")
    elif change == "edit":
        file.write_text("replicas: 2\n")
    else:
        file.unlink()
        if change == "link":
            file.symlink_to("Chart.yaml")
    (problem,) = vendor_problems(repo.root)
    assert "somebody has changed it" in problem.message
    assert (problem.file, problem.line) == ("vendor.yaml", 3)
    before = repo.files()
    repo.server.chart("shop", "1.1.0")
    for update in (False, True):
        with pytest.raises(RefusedError, match="was changed by hand"):
            vendor(repo, update=update)
    assert repo.files() == before
    vendor(repo, update=True, overwrite=True)
    assert repo.version == "1.1.0"


def test_files_that_were_there_before_are_not_overwritten(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    (repo.root / "vendor.lock.yaml").unlink()
    vendor(repo)  # the same content: only the lock is written
    (repo.root / "vendor.lock.yaml").unlink()
    (repo.root / "apps/shop/base/mine.yaml").write_text("x")
    with pytest.raises(RefusedError, match=r"has files that were not vendored \(mine.yaml\)"):
        vendor(repo)


@pytest.mark.parametrize("digest", [None, ""])
def test_other_content_under_the_same_version_is_refused(repo: Vendored, digest: str | None) -> None:
    repo.server.add(repo.server.chart("shop", "1.0.0"), "shop", "1.0.0", digest=digest)
    repo.declare(repo.chart())
    vendor(repo)
    before = repo.files()
    repo.server.add(repo.server.chart("shop", "1.0.0", files={"x": b"evil"}), "shop", "1.0.0", digest=digest)
    with pytest.raises(
        RefusedError,
        match=r"^vendor.yaml:3: shop 1.0.0: .* has other content under the same version: sha256:",
    ):
        vendor(repo, update=True)
    (repo.root / "apps/shop/base/values.yaml").write_text("x: y\n")
    with pytest.raises(RefusedError, match="has other content under the same version"):
        vendor(repo, overwrite=True)
    (repo.root / "apps/shop/base/values.yaml").write_bytes(before["apps/shop/base/values.yaml"])
    assert repo.files() == before
    text = (repo.root / "vendor.lock.yaml").read_text()
    (repo.root / "vendor.lock.yaml").write_text(text[: text.index("vendor:")] + "vendor: []\n")
    vendor(repo, overwrite=True)  # somebody trusts it
    assert repo.files("apps/shop/base")["x"] == b"evil"


def test_only_what_is_included_is_there(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0", files={"README.md": b"#", "ci/x.yaml": b"", "crds/a.yaml": b""})
    repo.declare(repo.chart(more=", include: [Chart.yaml, templates, 'crds/*.yaml']"))
    vendor(repo)
    assert set(repo.files("apps/shop/base")) == {"Chart.yaml", "templates/map.yaml", "crds/a.yaml"}
    repo.declare(repo.chart(more=", include: [Chart.yaml]"))
    vendor(repo)
    assert set(repo.files("apps/shop/base")) == {"Chart.yaml"}
    repo.declare(repo.chart(more=", include: [templates]"))
    with pytest.raises(RefusedError, match=r"no Chart.yaml"):
        vendor(repo)


def test_an_entry_that_moves_leaves_nothing_behind(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart().replace("apps/shop/base", "vendor/shop"))
    vendor(repo)
    repo.declare(repo.chart())
    vendor(repo)
    assert not (repo.root / "vendor/shop").exists()
    (repo.root / "apps/shop/base/mine.yaml").write_text("x")
    repo.declare(repo.chart().replace("apps/shop/base", "vendor/shop"))
    assert "it stays as it is" in vendor(repo).notes[0]
    assert (repo.root / "apps/shop/base/mine.yaml").exists()


def test_an_entry_that_leaves_is_forgotten_and_its_files_stay(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    repo.declare()
    assert "is not in vendor.yaml" in next(vendor_problems(repo.root)).message
    assert vendor(repo).notes == ("shop is not in vendor.yaml any more: apps/shop/base stays as it is",)
    assert load_lock(repo.root) == {}
    assert repo.version == "1.0.0"


def test_files_of_git_at_a_tag_and_at_a_branch(repo: Vendored) -> None:
    foreign = repo.folder / "foreign"
    files = {"manifests/ha/kustomization.yaml": "resources: [../base]\n", "manifests/base/x.yaml": "a: 1\n"}
    url = git_repository(foreign, files, "v1.0.0", "nightly")
    entry = f"{{name: ha, path: vendor/ha, git: {{repository: '{url}', folder: manifests"
    repo.declare(f"{entry}}}, version: ^1}}")
    vendor(repo)
    assert set(repo.files("vendor/ha")) == {"ha/kustomization.yaml", "base/x.yaml"}
    git_repository(foreign, {"manifests/base/x.yaml": "a: 2\n"}, "v1.1.0")
    assert not vendor(repo).is_change
    vendor(repo, update=True)
    assert (load_lock(repo.root)["ha"].version, repo.files("vendor/ha")["base/x.yaml"]) == (
        "v1.1.0",
        b"a: 2\n",
    )
    git_repository(foreign, {"manifests/base/x.yaml": "evil: 1\n"}, "v1.1.0")
    with pytest.raises(RefusedError, match=r"ha v1.1.0: .* other content under the same version"):
        vendor(repo, update=True)
    repo.declare(f"{entry}, revision: main}}}}")
    vendor(repo)
    assert load_lock(repo.root)["ha"].ref == "refs/heads/main"
    git_repository(foreign, {"manifests/base/x.yaml": "a: 4\n"})
    assert not vendor(repo).is_change
    assert vendor(repo, update=True).is_change
    commit = load_lock(repo.root)["ha"].commit
    repo.declare(f"{entry}, revision: {commit}}}}}")
    vendor(repo)
    assert load_lock(repo.root)["ha"].version == commit
    assert not vendor(repo, update=True).is_change


def test_what_cannot_be_fetched_changes_nothing(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    wrong = "{name: none, path: vendor/none, chart: {repository: URL, name: none}, version: '1'}"
    repo.declare(repo.chart(), wrong)
    before = repo.files()
    with pytest.raises(UnknownNameError, match="unknown chart 'none'"):
        vendor(repo)
    repo.declare(repo.chart("^3"))
    with pytest.raises(TerminalError, match="has no version in") as caught:
        vendor(repo)
    assert "1.0.0" in str(caught.value)
    repo.declare(repo.chart().replace("URL", "http://127.0.0.1:1"))
    with pytest.raises(TransientError):
        vendor(repo)
    repo.declare(repo.chart(), wrong)
    assert repo.files() == before
    assert vendor(repo, "shop").is_change
    with pytest.raises(UnknownNameError, match="unknown entry"):
        vendor(repo, "shopp")


def test_a_repository_without_the_file_is_told(repo: Vendored) -> None:
    with pytest.raises(ConfigError, match=r"vendor.yaml: there is no such file"):
        vendor(repo)
    assert [*vendor_problems(repo.root)] == []
    (repo.root / "vendor.lock.yaml").write_text("apiVersion: towpath.dev/v2\nvendor: []\n")
    assert [*vendor_problems(repo.root)] == []
    repo.declare("{name: A}")
    assert {each.file for each in vendor_problems(repo.root)} == {"vendor.yaml"}
