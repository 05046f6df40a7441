"""What is newer, what was changed by hand, and what cannot be trusted, entry by entry."""

from tests.unit.engine.vendor.vendored import Vendored, git_repository
from towpath.engine.vendor.outlook import Outlook, outlooks
from towpath.engine.vendor.plan import make_plan
from towpath.engine.vendor.write import write_folder


def look(repo: Vendored) -> dict[str, Outlook]:
    return {each.entry.name: each for each in outlooks(repo.root, (), repo.resolver)}


def vendor(repo: Vendored) -> None:
    write_folder(repo.root, make_plan(repo.root, (), repo.resolver, update=False))


def test_what_is_newer_is_told_inside_and_outside_of_the_range(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    assert "not vendored yet" in look(repo)["shop"].different
    vendor(repo)
    found = look(repo)["shop"]
    assert (found.newer, found.latest, found.different, found.refused) == ("", "", "", None)
    repo.server.chart("shop", "1.1.0")
    repo.server.chart("shop", "2.0.0-rc.1")
    assert (look(repo)["shop"].newer, look(repo)["shop"].latest) == ("1.1.0", "")
    repo.server.chart("shop", "2.0.0")
    found = look(repo)["shop"]
    assert (found.newer, found.latest, found.is_outdated) == ("1.1.0", "2.0.0", True)
    repo.declare(repo.chart("1.0.0"))
    assert look(repo)["shop"].is_outdated
    repo.declare(repo.chart("<=1.0"))
    found = look(repo)["shop"]
    assert (found.newer, found.latest, found.is_outdated) == ("", "2.0.0", False)


def test_changed_files_are_named(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    vendor(repo)
    repo.server.chart("shop", "1.1.0")
    (repo.root / "apps/shop/base/values.yaml").write_text("x: 1\n")
    (repo.root / "apps/shop/base/new.yaml").write_text("x: 1\n")
    found = look(repo)["shop"]
    assert found.different == "apps/shop/base was changed by hand"
    assert found.files == ("new.yaml", "values.yaml")
    assert found.newer == "1.1.0"


def test_one_that_cannot_be_trusted_stops_no_other(repo: Vendored) -> None:
    repo.server.chart("shop", "1.0.0")
    url = git_repository(repo.folder / "foreign", {"a": "1"}, "v1.0.0")
    repo.declare(
        repo.chart(),
        f"{{name: tags, path: vendor/tags, git: {{repository: '{url}'}}, version: ^1}}",
        f"{{name: main, path: vendor/main, git: {{repository: '{url}', revision: main}}}}",
    )
    vendor(repo)
    repo.server.chart("shop", "1.0.0", files={"x": b"evil"})
    git_repository(repo.folder / "foreign", {"a": "2"}, "v1.2.0")
    found = look(repo)
    assert "shop 1.0.0" in str(found["shop"].refused)
    assert "other content under the same version" in str(found["shop"].refused)
    assert found["tags"].newer.startswith("v1.2.0 (")
    assert found["main"].newer.startswith("main (")
    git_repository(repo.folder / "foreign", {"a": "3"}, "v1.0.0")
    assert "other content" in str(look(repo)["tags"].refused)
