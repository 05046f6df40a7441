"""Prefect's settings after a fork: what the environment says there, and no more work than that needs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
from towpath.orchestration.profile import note_settings, refresh_settings
note_settings(os.environ)
from prefect import context
from prefect.settings import get_current_settings
import prefect.settings.models.root as root

def refreshed(change, gone):
    os.environ.update(change)
    for name in gone:
        os.environ.pop(name, None)
    made = []
    before = root.Settings.__init__
    root.Settings.__init__ = lambda self, *args, **more: (made.append(1), before(self, *args, **more))[1]
    refresh_settings()
    read = bool(made)
    after = get_current_settings().model_dump(mode="json")
    context.GLOBAL_SETTINGS_CONTEXT = None
    context.refresh_global_settings_context()
    right = after == get_current_settings().model_dump(mode="json")
    print(json.dumps([read, right, after["api"]["url"], after["home"]]), flush=True)

for line in sys.stdin:
    if not (pid := os.fork()):
        refreshed(*json.loads(line))
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit("a child failed")
"""
Refresh = Callable[..., list[object]]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refresh]:
    """Asks a process that has imported Prefect, as an agent's first one, for a child with other variables."""
    home = tmp_path_factory.mktemp("before")
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
    environ |= {"PREFECT_API_URL": "http://127.0.0.1:1/api", "PREFECT_HOME": str(home / "one")}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(change: dict[str, str], *gone: str) -> list[object]:
            assert process.stdin
            assert process.stdout
            print(json.dumps([change, gone]), file=process.stdin, flush=True)
            result: list[object] = json.loads(process.stdout.readline())
            return result

        yield ask


def test_another_home_is_taken_over_without_reading_everything(refreshed: Refresh, tmp_path: Path) -> None:
    other = str(tmp_path / "two")
    assert refreshed({"PREFECT_HOME": other}) == [False, True, "http://127.0.0.1:1/api", other]


@pytest.mark.parametrize(
    ("change", "gone", "url"),
    [
        ({"PREFECT_API_URL": "http://127.0.0.1:2/api"}, (), "http://127.0.0.1:2/api"),
        ({"PREFECT_LOGGING_LEVEL": "DEBUG"}, (), "http://127.0.0.1:1/api"),
        ({}, ("PREFECT_API_URL",), None),
        ({}, ("PREFECT_HOME",), "http://127.0.0.1:1/api"),
        ({"PREFECT_HOME": "relative"}, (), "http://127.0.0.1:1/api"),
    ],
)
def test_any_other_change_is_read(
    refreshed: Refresh, change: dict[str, str], gone: tuple[str, ...], url: str | None
) -> None:
    read, right, told, _ = refreshed(change, *gone)
    assert (read, right, told) == (True, True, url)


def test_a_profile_in_the_new_home_is_read(refreshed: Refresh, tmp_path: Path) -> None:
    home = tmp_path / "two"
    home.mkdir()
    (home / "profiles.toml").write_text('active = "x"\n[profiles.x]\nPREFECT_LOGGING_LEVEL = "ERROR"\n')
    read, right, *_ = refreshed({"PREFECT_HOME": str(home)})
    assert (read, right) == (True, True)
