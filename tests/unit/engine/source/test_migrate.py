"""A repository of towpath.dev/v1 becomes one of v2 and says the same; nothing is half-written."""

import shutil
from pathlib import Path

import pytest

from towpath.applyset.prune_file import load_confirmed_deletions
from towpath.config import load_config
from towpath.engine.check.repository import check_repository
from towpath.engine.source.migrate import Migration, migration_edits, migrations, record_paths, write_all
from towpath.errors import ConfigError, RefusedError
from towpath.formats.record import version_of
from towpath.formats.versions import LATEST, V1, V2
from towpath.gates.pause import load_pauses
from towpath.release.quarantine import load_quarantine
from towpath.release.release_file import load_release_file

OLD = Path(__file__).parents[2] / "formats/v1"
CONFIG = """\
# What runs where.   Two blanks,\tand a tab.
apiVersion: 'towpath.dev/v1'   # rewritten by `towpath migrate`

apps:
    hello: {image: 127.0.0.1:5000/hello, renderer: plain}   # one line
    other:
        image: "127.0.0.1:5000/other"
environments:
-   name: dev
    namespace: dev
    drift: off
-   {name: prod, namespace: prod}
"""
FILES = {
    "apps/hello/dev/release.yaml": "release.yaml",
    "apps/hello/prod/release.yaml": "release.yaml",
    "apps/hello/quarantine.yaml": "quarantine.yaml",
    "apps/gone/prod/prune.yaml": "prune.yaml",
    "pauses/prod.yaml": "pauses.yaml",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "environments"
    for path, name in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(OLD / name, root / path)
    (root / "towpath.yaml").write_text(CONFIG)
    return root


def said(root: Path) -> list[object]:
    """All that the repository says, whatever the version."""
    config = load_config(root)
    return [
        config.model_dump(exclude={"api_version"}),
        *(load_release_file(root, f"apps/hello/{name}/release.yaml") for name in ("dev", "prod")),
        load_quarantine(root, "apps/hello/quarantine.yaml"),
        load_confirmed_deletions(root, "gone", "prod"),
        load_pauses(root, "prod"),
    ]


def texts(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()
    }


def test_every_file_is_rewritten_once_and_says_the_same(repository: Path) -> None:
    before = said(repository)
    changes = migrations(repository)
    assert {each.path for each in changes} == {*FILES, "towpath.yaml"}
    assert changes[-1].path == "towpath.yaml"
    assert {each.version for each in changes} == {V1}
    write_all(repository, changes)
    assert said(repository) == before
    assert all(version_of((repository / path).read_text(), path) == V2 for path in FILES)
    assert load_config(repository).api_version == LATEST
    assert migrations(repository) == ()
    assert sorted(texts(repository)) == sorted([*FILES, "towpath.yaml"]), "no temporary file is left"


def test_of_towpath_yaml_only_the_version_changes(repository: Path) -> None:
    (change,) = (each for each in migrations(repository) if each.path == "towpath.yaml")
    assert change.after == CONFIG.replace("towpath.dev/v1", "towpath.dev/v2")
    changed = [line for line in change.diff().splitlines()[2:] if line.startswith(("-", "+"))]
    assert [line[:12] for line in changed] == ["-apiVersion:", "+apiVersion:"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'towpath.dev/v1'", '"towpath.dev/v1"'),
        ("'towpath.dev/v1'", "towpath.dev/v1"),
        ("\n", "\r\n"),
        ("# What runs where.", "\ufeff# What runs where."),
        ("# What runs where.", "---\n# What runs where."),
    ],
)
def test_quotes_line_breaks_and_marks_stay(repository: Path, old: str, new: str) -> None:
    text = CONFIG.replace(old, new)
    (repository / "towpath.yaml").write_bytes(text.encode())
    write_all(repository, migrations(repository))
    assert (repository / "towpath.yaml").read_bytes() == text.replace("dev/v1", "dev/v2").encode()
    assert load_config(repository).api_version == LATEST


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("apps/hello/quarantine.yaml", "- digest", "# INC-1: look at the probe\n- digest"),
        ("apps/hello/quarantine.yaml", "  reason: '08'", "  reason: '08'  # INC-2"),
        ("pauses/prod.yaml", "- until", "# agreed with the DBAs\n- until"),
        ("apps/gone/prod/prune.yaml", "reason: moved", "reason: moved  # to the other cluster"),
        ("apps/hello/dev/release.yaml", "promoted_by: ann", "promoted_by: ann  # in the night"),
        ("apps/hello/dev/release.yaml", "release:\n", "release:\n  # by hand\n"),
    ],
)
def test_comments_in_records_stay(repository: Path, path: str, old: str, new: str) -> None:
    file = repository / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    before = said(repository)
    write_all(repository, migrations(repository))
    assert said(repository) == before
    assert new.partition("#")[2].splitlines()[0] in file.read_text()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pauses/prod.yaml", "[{until: '2026-11-21T18:00:00+00:00', reason: one line}]\n"),
        ("pauses/prod.yaml", "--- [{until: '2026-11-21T18:00:00+00:00', reason: after the mark}]\n"),
        ("pauses/prod.yaml", "  - until: '2026-11-21T18:00:00+00:00'\n    reason: indented\n"),
        ("pauses/prod.yaml", "---\n- until: '2026-11-21T18:00:00+00:00'\n  reason: mark\n...\n"),
        ("pauses/prod.yaml", "- until: '2026-11-21T18:00:00+00:00'\r\n  reason: carriage returns\r\n"),
        ("pauses/prod.yaml", "[]\n"),
        ("apps/gone/prod/prune.yaml", '{"objects": [{"kind": "Secret", "name": "a", "uid": "u"}]}\n'),
        ("apps/gone/prod/prune.yaml", "  objects: []\n"),
    ],
)
def test_records_of_any_form_are_rewritten(repository: Path, path: str, text: str) -> None:
    (repository / path).write_bytes(text.encode())
    before = said(repository)
    write_all(repository, migrations(repository))
    assert said(repository) == before
    assert migrations(repository) == ()
    assert text == "[]\n" or version_of((repository / path).read_text(), path) == V2


def test_what_is_no_record_stays(repository: Path) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: release}\n"
    for path in ("apps/hello/base/release.yaml", "apps/hello/test/release.yaml", "pauses/test.yaml"):
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(manifest)
    (repository / "pauses/dev.yaml").write_text("# nobody paused it\n")
    write_all(repository, migrations(repository))
    assert (repository / "apps/hello/base/release.yaml").read_text() == manifest
    assert (repository / "apps/hello/test/release.yaml").read_text() == manifest
    assert (repository / "pauses/test.yaml").read_text() == manifest
    assert (repository / "pauses/dev.yaml").read_text() == "# nobody paused it\n"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("apps/hello/dev/release.yaml", "release: {}\n", "apps/hello/dev/release.yaml:1: "),
        ("apps/hello/quarantine.yaml", "- {digest: x}\n", "apps/hello/quarantine.yaml:1: "),
        ("pauses/prod.yaml", "apiVersion: towpath.dev/v3\npauses: []\n", "is written for towpath.dev/v3"),
        ("apps/gone/prod/prune.yaml", "objects: all\n", "apps/gone/prod/prune.yaml:1: "),
        ("towpath.yaml", CONFIG.replace("/v1", "/v3"), "is written for towpath.dev/v3"),
        ("apps/hello/prod/release.yaml", "apiVersion: towpath.dev/v2\nrelease: {}\n", "apps/hello/prod/"),
    ],
)
def test_one_file_that_cannot_be_read_stops_all(repository: Path, path: str, text: str, said: str) -> None:
    (repository / path).write_text(text)
    before = texts(repository)
    with pytest.raises(ConfigError) as caught:
        write_all(repository, migrations(repository))
    assert said in str(caught.value)
    assert texts(repository) == before


def test_all_files_that_cannot_be_read_are_named(repository: Path) -> None:
    (repository / "pauses/prod.yaml").write_text("7\n")
    (repository / "apps/hello/dev/release.yaml").write_text("7\n")
    with pytest.raises(ConfigError) as caught:
        migrations(repository)
    assert {each.file for each in caught.value.problems} == {
        "pauses/prod.yaml",
        "apps/hello/dev/release.yaml",
    }


def test_a_file_behind_a_link_stops_all(repository: Path) -> None:
    shutil.move(repository / "pauses", repository / "real")
    (repository / "pauses").symlink_to("real")
    before = texts(repository)
    with pytest.raises(RefusedError, match="symbolic link"):
        write_all(repository, migrations(repository))
    assert texts(repository) == before


def test_when_one_file_cannot_be_written_none_is(repository: Path) -> None:
    changes = migrations(repository)
    lost = Migration("gone/towpath.yaml", V1, "", "x")
    before = texts(repository)
    with pytest.raises(FileNotFoundError):
        write_all(repository, (*changes, lost))
    assert texts(repository) == before


def test_when_the_last_file_cannot_be_replaced_the_others_are_put_back(repository: Path) -> None:
    changes = migrations(repository)
    blocked = repository / "blocked"
    (blocked / "inside").mkdir(parents=True)
    before = texts(repository)
    with pytest.raises(OSError, match="blocked"):
        write_all(repository, (*changes, Migration("blocked", V1, "", "x")))
    assert texts(repository) == before


@pytest.mark.parametrize("done", range(len(FILES) + 1))
def test_a_kill_in_between_leaves_files_that_say_the_same_and_the_same_again_does_the_rest(
    repository: Path, done: int
) -> None:
    before = said(repository)
    for each in migrations(repository)[:done]:
        (repository / each.path).write_text(each.after)
    assert said(repository) == before
    assert load_config(repository).api_version == V1
    write_all(repository, migrations(repository))
    assert said(repository) == before
    assert migrations(repository) == ()


def test_the_edits_are_those_of_a_commit(repository: Path) -> None:
    assert migration_edits(repository) == {each.path: each.after for each in migrations(repository)}
    assert set(FILES) <= set(record_paths(repository, load_config(repository)))


def test_check_notes_a_former_version_once_and_then_deprecated_keys(repository: Path) -> None:
    def notes() -> list[str]:
        return [note for note in check_repository(repository).notes if "towpath.dev/v" in note or "`" in note]

    text = CONFIG.replace("{name: prod, namespace: prod}", "{name: prod, namespace: prod, context: live}")
    (repository / "towpath.yaml").write_text(text)
    unheeded = "`context` is not obeyed: only the machine says it: TOWPATH_CONTEXT"
    former, key = notes()
    assert former.startswith("towpath.yaml:2: towpath.dev/v1 is still read; `towpath migrate` rewrites")
    assert key.startswith(f"towpath.yaml:12: {unheeded}")
    write_all(repository, migrations(repository))
    (note,) = notes()
    assert note.startswith(f"towpath.yaml:12: {unheeded}")
    shutil.copy(OLD / "release.yaml", repository / "apps/hello/dev/release.yaml")
    assert any(
        each.startswith("apps/hello/dev/release.yaml is of towpath.dev/v1, towpath.yaml of")
        for each in notes()
    )


def test_check_notes_files_that_agents_of_the_former_version_hold(repository: Path) -> None:
    for each in migrations(repository)[:-1]:
        (repository / each.path).write_text(each.after)
    notes = " ".join(check_repository(repository).notes)
    assert "and 4 more files are of towpath.dev/v2, towpath.yaml of towpath.dev/v1; agents of" in notes
