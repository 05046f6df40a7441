"""An agent that knows towpath.dev/v1 only and a newer one beside it: both work, or the older one holds.

What the older one reads is kept as data (tests/unit/formats/v1/keys.json): its strict reader refused every
other key, every other `apiVersion`, and records that were no list.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.release.test_model import NONE, RELEASE, SEVERAL, STATE
from towpath.config import load_config
from towpath.engine.source.edits import promote_edits, quarantine_edits, rollback_edits, verified_edits
from towpath.engine.source.migrate import migrations, write_all
from towpath.errors import ConfigError
from towpath.files import Edits
from towpath.formats.record import version_of
from towpath.formats.versions import V1, V2
from towpath.gates.pause import Pause, dump_pauses, parse_pauses
from towpath.release.model import Release, one_image
from towpath.release.quarantine import QuarantineEntry, load_quarantine
from towpath.release.release_file import load_release_file, parse_release_file

OLD = Path(__file__).parents[2] / "formats/v1"
KEYS_OF_V1: dict[str, list[str]] = json.loads((OLD / "keys.json").read_text())
DIGEST = "sha256:" + "e" * 64
NEW = replace(RELEASE, images=one_image("hello", "127.0.0.1:5000/hello", DIGEST), commit="e" * 40)
FAILED = QuarantineEntry(DIGEST, "never ready", "2026-01-03T00:00:00Z", "run-1")
CONFIG = """\
apiVersion: towpath.dev/v1
apps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec: {template: {spec: {containers: [{name: hello, image: "127.0.0.1:5000/hello:1"}]}}}
"""
RELEASE_PATH = "apps/hello/dev/release.yaml"
QUARANTINE_PATH = "apps/hello/quarantine.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    for name in ("dev", "prod"):
        (folder / f"apps/hello/{name}").mkdir(parents=True)
        (folder / f"apps/hello/{name}/deployment.yaml").write_text(DEPLOYMENT)
    (folder / "towpath.yaml").write_text(CONFIG)
    shutil.copy(OLD / "release.yaml", folder / RELEASE_PATH)
    return folder


def take(root: Path, edits: Edits) -> Edits:
    """Commit edits."""
    assert edits
    for path, text in edits.items():
        (root / path).write_text(text or "")
    return edits


def keys(data: Any, path: str = "") -> Iterator[str]:
    if isinstance(data, list):
        for item in data:
            yield from keys(item, f"{path}*.")
    elif isinstance(data, dict):
        for key, value in data.items():
            yield f"{path}{key}"
            yield from keys(value, f"{path}{key}.")


def older_agent_reads(path: str, text: str) -> bool:
    """Whether the strict reader of an agent that knows towpath.dev/v1 only takes the file."""
    data = yaml.safe_load(text)
    name = "pauses" if path.startswith("pauses/") else Path(path).name
    if name == "towpath.yaml" and data["apiVersion"] != V1:
        return False
    if name in ("quarantine.yaml", "pauses") and not isinstance(data, list):
        return False
    free = ("release.scan.counts.", "release.scan.findings.", "apps.")
    found = {key for key in keys(data) if not key.startswith(free)}
    needed = {"release.image", "release.digest"} if name == "release.yaml" else set()
    return needed <= found <= set(KEYS_OF_V1[name])


def test_in_a_repository_of_v1_the_older_agent_reads_all_that_the_newer_one_writes(root: Path) -> None:
    config = load_config(root)
    written: dict[str, str | None] = {}
    written |= take(root, promote_edits(root, config, "dev", replace(STATE, release=NEW)))
    written |= take(root, verified_edits(root, "hello", "dev", DIGEST, "2026-01-04T00:00:00Z"))
    restored = replace(STATE, rolls_back=DIGEST)
    written |= take(root, rollback_edits(root, config, "dev", restored, FAILED))
    written |= take(root, quarantine_edits(root, "hello", replace(FAILED, release="sha256:" + "f" * 64)))
    assert {RELEASE_PATH, QUARANTINE_PATH} <= set(written)
    for path, text in written.items():
        if path != "apps/hello/dev/deployment.yaml":
            assert older_agent_reads(path, text or ""), text
    pauses = dump_pauses([Pause("", "2026-11-21T18:00:00+00:00", "x", "ann", "")], config.api_version)
    assert older_agent_reads("pauses/dev.yaml", pauses or "")


def test_after_the_migration_the_older_agent_reads_nothing_and_so_holds(root: Path) -> None:
    take(root, quarantine_edits(root, "hello", FAILED))
    changes = migrations(root)
    assert all(older_agent_reads(each.path, each.before) for each in changes)
    assert not any(older_agent_reads(each.path, each.after) for each in changes)
    assert {each.path for each in changes} == {RELEASE_PATH, QUARANTINE_PATH, "towpath.yaml"}


def test_after_the_migration_the_newer_agent_writes_v2(root: Path) -> None:
    write_all(root, migrations(root))
    config = load_config(root)
    take(root, promote_edits(root, config, "dev", replace(STATE, release=NEW)))
    take(root, verified_edits(root, "hello", "dev", DIGEST, "2026-01-04T00:00:00Z"))
    take(root, quarantine_edits(root, "hello", FAILED))
    for path in (RELEASE_PATH, QUARANTINE_PATH):
        assert version_of((root / path).read_text(), path) == V2
    state = load_release_file(root, RELEASE_PATH)
    assert state is not None
    assert (state.release, state.verified_at) == (NEW, "2026-01-04T00:00:00Z")
    assert load_quarantine(root, QUARANTINE_PATH) == (FAILED,)


def test_what_an_older_agent_wrote_just_after_the_migration_is_read_and_kept(root: Path) -> None:
    write_all(root, migrations(root))
    shutil.copy(OLD / "quarantine.yaml", root / QUARANTINE_PATH)  # there was none, so it read none
    assert len(load_quarantine(root, QUARANTINE_PATH)) == 2
    take(root, quarantine_edits(root, "hello", FAILED))
    assert len(load_quarantine(root, QUARANTINE_PATH)) == 3
    assert version_of((root / QUARANTINE_PATH).read_text(), QUARANTINE_PATH) == V2
    assert parse_pauses((OLD / "pauses.yaml").read_text(), "pauses/dev.yaml")


@pytest.mark.parametrize("done", [1, 2])
def test_a_migration_that_was_killed_harms_neither(root: Path, done: int) -> None:
    take(root, quarantine_edits(root, "hello", FAILED))
    for each in migrations(root)[:done]:
        (root / each.path).write_text(each.after)
    for path in (RELEASE_PATH, QUARANTINE_PATH):
        text = (root / path).read_text()
        assert older_agent_reads(path, text) is (version_of(text, path) == V1), "read as a whole, or refused"
    other = replace(FAILED, release="sha256:" + "f" * 64)
    before = version_of((root / QUARANTINE_PATH).read_text(), QUARANTINE_PATH)
    take(root, quarantine_edits(root, "hello", other))
    after = version_of((root / QUARANTINE_PATH).read_text(), QUARANTINE_PATH)
    assert after == before, "a file never gets an older version than it has"
    assert load_quarantine(root, QUARANTINE_PATH) == (FAILED, other)
    write_all(root, migrations(root))
    assert migrations(root) == ()


@pytest.mark.parametrize("path", ["towpath.yaml", RELEASE_PATH, QUARANTINE_PATH])
def test_this_agent_beside_a_newer_one_writes_nothing(root: Path, path: str) -> None:
    config = load_config(root)
    take(root, quarantine_edits(root, "hello", replace(FAILED, release="sha256:" + "f" * 64)))
    write_all(root, migrations(root))
    text = (root / path).read_text().replace("towpath.dev/v2", "towpath.dev/v3") + "attested: {by: x}\n"
    (root / path).write_text(text)
    writers = {
        "towpath.yaml": lambda: quarantine_edits(root, "hello", FAILED),
        RELEASE_PATH: lambda: promote_edits(root, config, "dev", replace(STATE, release=NEW)),
        QUARANTINE_PATH: lambda: quarantine_edits(root, "hello", FAILED),
    }
    with pytest.raises(ConfigError, match=r"is written for towpath\.dev/v3") as caught:
        writers[path]()
    assert "`attested`" in str(caught.value)
    if path == RELEASE_PATH:
        with pytest.raises(ConfigError, match=r"is written for towpath\.dev/v3"):
            verified_edits(root, "hello", "dev", RELEASE.id, "now")
        with pytest.raises(ConfigError, match=r"is written for towpath\.dev/v3"):
            rollback_edits(root, config, "dev", STATE, FAILED)


@pytest.mark.parametrize("release", [SEVERAL, NONE])
def test_a_release_of_none_or_several_images_is_marked_verified_without_loss(
    root: Path, release: Release
) -> None:
    write_all(root, migrations(root))
    from towpath.release.release_file import dump_release_file

    state = replace(STATE, release=release)
    (root / RELEASE_PATH).write_text(dump_release_file(state, V2))
    edits = verified_edits(root, "hello", "dev", release.id, "2026-01-04T00:00:00Z")
    assert parse_release_file(edits[RELEASE_PATH] or "") == replace(state, verified_at="2026-01-04T00:00:00Z")
