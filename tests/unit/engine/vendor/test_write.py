"""A folder is written as a whole or not at all; a commit has exactly the plan."""

import sys
from pathlib import Path

import pytest

from tests.unit.engine.vendor.vendored import Vendored, killed
from towpath.adapters.file_lock import try_lock
from towpath.engine.vendor import write
from towpath.engine.vendor.plan import make_plan
from towpath.engine.vendor.write import STAGING, commit_edits, vendor_message, write_folder
from towpath.errors import ConflictError, RefusedError, TransientError
from towpath.release.commit_message import parse_trailers

OTHER = "{name: other, path: vendor/other, chart: {repository: URL, name: other}, version: '*'}"


@pytest.fixture
def planned(repo: Vendored) -> Vendored:
    """Version 1.0.0 is there; 1.1.0 and another chart are to come."""
    repo.server.chart("shop", "1.0.0")
    repo.declare(repo.chart())
    write_folder(repo.root, make_plan(repo.root, (), repo.resolver, update=False))
    repo.server.chart("shop", "1.1.0")
    repo.server.chart("other", "1.0.0")
    repo.declare(repo.chart(), OTHER)
    return repo


@pytest.mark.parametrize("failing", range(1, 8))
def test_what_fails_on_the_way_is_put_back(
    planned: Vendored, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    plan = make_plan(planned.root, (), planned.resolver, update=True)
    before, done = planned.files(), 0

    def fail(*_: object) -> None:
        nonlocal done
        done += 1
        if done == failing:
            raise KeyboardInterrupt

    for name in ("rename", "replace"):
        genuine = getattr(Path, name)
        monkeypatch.setattr(
            Path, name, lambda self, target, genuine=genuine: (fail(), genuine(self, target))[1]
        )
    if failing <= 4:  # two folders that are new, one that was there, the lock
        with pytest.raises(KeyboardInterrupt):
            write_folder(planned.root, plan)
        assert planned.files() == before
        assert not (planned.root / "vendor").exists()
    else:
        write_folder(planned.root, plan)
        assert planned.version == "1.1.0"
    assert not (planned.root / STAGING).exists()


def test_a_full_disk_changes_nothing(planned: Vendored, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(planned.root, (), planned.resolver, update=True)
    before = planned.files()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_folder(planned.root, plan)
    assert planned.files() == before


def test_what_a_killed_run_left_is_removed_and_the_next_one_ends_it(planned: Vendored) -> None:
    script = f"""
import os
from pathlib import Path
from towpath.engine.vendor.plan import make_plan
from towpath.engine.vendor.resolve import Resolver
from towpath.engine.vendor.write import write_folder
root = Path({str(planned.root)!r})
plan = make_plan(root, (), Resolver(Path({str(planned.cache)!r})), update=True)
Path.replace = lambda *_: os._exit(9)
write_folder(root, plan)
"""
    assert killed([sys.executable, "-c", script], {}) == 9
    assert (planned.root / STAGING).exists()
    plan = make_plan(planned.root, (), planned.resolver, update=True)
    write_folder(planned.root, plan)
    assert planned.version == "1.1.0"
    assert not (planned.root / STAGING).exists()
    assert not make_plan(planned.root, (), planned.resolver, update=True).is_change


def test_a_folder_that_changes_meanwhile_is_not_overwritten(planned: Vendored) -> None:
    for entries in ((planned.chart(), OTHER), (OTHER, planned.chart().replace("apps/shop/base", "v/shop"))):
        planned.declare(*entries)
        plan = make_plan(planned.root, (), planned.resolver, update=True)
        file = planned.root / "apps/shop/base/values.yaml"
        before = file.read_bytes()
        file.write_text("replicas: 2\n")
        with pytest.raises(ConflictError, match="apps/shop/base was changed meanwhile"):
            write_folder(planned.root, plan)
        assert file.read_text() == "replicas: 2\n"
        assert not (planned.root / "vendor").exists()
        file.write_bytes(before)


def test_two_at_a_time_do_not_mix(planned: Vendored) -> None:
    plan = make_plan(planned.root, (), planned.resolver, update=True)
    (planned.root / STAGING).mkdir()
    with (planned.root / STAGING / "held").open("w") as held:
        assert try_lock(held)
        with pytest.raises(TransientError, match="another `towpath vendor`"):
            write_folder(planned.root, plan)
    assert planned.version == "1.0.0"


@pytest.mark.parametrize("link", ["apps/shop/base", "apps/shop", "vendor", "vendor.lock.yaml", STAGING])
def test_nothing_is_written_through_a_link(planned: Vendored, link: str) -> None:
    plan = make_plan(planned.root, (), planned.resolver, update=True)
    outside = planned.folder / "outside"
    if (planned.root / link).exists():
        (planned.root / link).rename(outside)
    else:
        outside.mkdir()
    (planned.root / link).symlink_to(outside)
    with pytest.raises(RefusedError, match="symbolic link"):
        write_folder(planned.root, plan)


def test_a_commit_has_what_differs(planned: Vendored) -> None:
    plan = make_plan(planned.root, ("shop",), planned.resolver, update=True)
    edits = commit_edits(planned.root, plan)
    assert set(edits) == {
        "apps/shop/base/Chart.yaml",
        "apps/shop/base/templates/map.yaml",
        "vendor.lock.yaml",
    }
    message = vendor_message(plan, ("Towpath-Intent", "vendor-1"))
    assert message.startswith("Vendor shop 1.1.0\n")
    (vendored,) = parse_trailers(message)["Towpath-Vendored"]
    assert vendored.startswith("shop 1.1.0 sha256:")
