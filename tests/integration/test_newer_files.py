"""Beside a newer Towpath this one holds: a file of a newer version applies, deletes and writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap
from towpath.engine.live.context import open_context
from towpath.engine.source.migrate import migration_edits
from towpath.errors import ConfigError
from towpath.formats.versions import V1, V2

pytestmark = pytest.mark.integration

NEWER = "apiVersion: towpath.dev/v3\nattested: {by: somebody}\n"


@dataclass
class Changing(Fleet):
    """`replaced` are files with another content than the apps say; `edits` are made by a migration."""

    replaced: dict[str, str] = field(default_factory=dict)

    def content(self) -> Mapping[str, str]:
        return {**super().content(), **self.replaced}


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Changing]:  # type: ignore[no-untyped-def]
    with a_fleet(stack.settings, tmp_path) as made:
        changing = Changing(made.folder, made.world, made.settings)
        changing.add("one", configmap("old", A="1"))
        changing.add("two")
        changing.push("Begin")
        assert changing.reconcile().failures == {}
        yield changing


def change(fleet: Changing) -> None:
    """Change both apps; of the first, an object leaves Git."""
    for name in ("one", "two"):
        fleet.apps[name][2] = configmap(f"{name}-settings", A="2")
    del fleet.apps["one"][3]


def value(fleet: Fleet, name: str) -> str:
    return fleet.world.kubectl("get", "configmap", name, "-o", "jsonpath={.data.A}").strip()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("apps/one/test/release.yaml", f"{NEWER}release: {{}}\n"),
        ("apps/one/quarantine.yaml", f"{NEWER}releases: []\n"),
        ("apps/one/test/prune.yaml", f"{NEWER}objects: []\n"),
    ],
)
def test_a_file_of_a_newer_version_holds_its_app_and_no_other(fleet: Changing, path: str, text: str) -> None:
    change(fleet)
    fleet.replaced = {path: text}
    fleet.push("A newer Towpath writes a file")
    done = fleet.reconcile()
    told = str({**done.plan.broken, **done.failures})
    assert "is written for towpath.dev/v3, and this Towpath knows up to towpath.dev/v2" in told
    assert "`attested`" in told
    assert (value(fleet, "one-settings"), value(fleet, "two-settings")) == ("1", "2")
    assert value(fleet, "old") == "1", "nothing is deleted"
    fleet.replaced = {}
    fleet.push("It is of this version again")
    assert fleet.reconcile().failures == {}
    assert value(fleet, "one-settings") == "2"


@pytest.mark.parametrize("path", ["towpath.yaml", "pauses/test.yaml"])
def test_towpath_yaml_or_pauses_of_a_newer_version_hold_the_environment(fleet: Changing, path: str) -> None:
    before = fleet.resource_versions()
    change(fleet)
    content = {
        "towpath.yaml": fleet.content()["towpath.yaml"].replace(V2, "towpath.dev/v3") + "attested: {}\n"
    }
    fleet.replaced = {path: content.get(path, f"{NEWER}pauses: []\n")}
    fleet.push("A newer Towpath was here")
    with pytest.raises(ConfigError, match=r"is written for towpath\.dev/v3") as caught:
        fleet.reconcile()
    assert "`attested`" in str(caught.value)
    assert fleet.resource_versions() == before


def test_a_migration_changes_nothing_in_the_cluster(fleet: Changing) -> None:
    content = dict(fleet.content())
    fleet.replaced = {"towpath.yaml": content["towpath.yaml"].replace(V2, V1)}
    for name in ("one", "two"):
        path = f"apps/{name}/test/release.yaml"
        lines = content[path].splitlines(keepends=True)
        names = [line for line in lines if line.startswith("      ")]
        kept = [
            line
            for line in lines
            if not line.startswith(("apiVersion", "  images:", f"    {name}:", "      "))
        ]
        at = kept.index(f"  app: {name}\n") + 1
        fleet.replaced[path] = "".join([*kept[:at], *(line[4:] for line in names[:2]), *kept[at:]])
    fleet.push("As a former Towpath had it")
    assert fleet.reconcile().failures == {}
    before = fleet.resource_versions()
    edits = migration_edits(open_context(fleet.settings, "test").repo.root)
    assert set(edits) == {"towpath.yaml", "apps/one/test/release.yaml", "apps/two/test/release.yaml"}
    fleet.replaced = {path: text or "" for path, text in edits.items()}
    fleet.push("Migrate")
    done = fleet.reconcile()
    assert done.failures == {}
    assert done.outcomes == ()
    assert fleet.resource_versions() == before
