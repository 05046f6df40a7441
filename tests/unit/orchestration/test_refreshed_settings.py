"""Prefect's settings after a fork: what the environment says there, and no more work than that needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
from towpath.orchestration.profile import note_settings, refresh_settings
note_settings(os.environ)
from prefect.settings import get_current_settings
import prefect.settings.models.root as root
os.environ.update(json.loads(sys.argv[1]))
for name in json.loads(sys.argv[2]):
    os.environ.pop(name, None)
made = []
before = root.Settings.__init__
root.Settings.__init__ = lambda self, *args, **more: (made.append(1), before(self, *args, **more))[1]
refresh_settings()
read = bool(made)
after = get_current_settings().model_dump(mode="json")
from prefect import context
context.GLOBAL_SETTINGS_CONTEXT = None
context.refresh_global_settings_context()
right = after == get_current_settings().model_dump(mode="json")
print(json.dumps([read, right, after["api"]["url"], after["home"]]))
"""


def refreshed(tmp_path: Path, change: dict[str, str], *gone: str) -> list[object]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    environ |= {"PREFECT_API_URL": "http://127.0.0.1:1/api", "PREFECT_HOME": str(tmp_path / "one")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(change), json.dumps(gone)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    result: list[object] = json.loads(done.stdout)
    return result


def test_another_home_is_taken_over_without_reading_everything(tmp_path: Path) -> None:
    other = str(tmp_path / "two")
    assert refreshed(tmp_path, {"PREFECT_HOME": other}) == [False, True, "http://127.0.0.1:1/api", other]


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
    tmp_path: Path, change: dict[str, str], gone: tuple[str, ...], url: str | None
) -> None:
    read, right, told, _ = refreshed(tmp_path, change, *gone)
    assert (read, right, told) == (True, True, url)


def test_a_profile_in_the_new_home_is_read(tmp_path: Path) -> None:
    home = tmp_path / "two"
    home.mkdir()
    (home / "profiles.toml").write_text('active = "x"\n[profiles.x]\nPREFECT_LOGGING_LEVEL = "ERROR"\n')
    read, right, *_ = refreshed(tmp_path, {"PREFECT_HOME": str(home)})
    assert (read, right) == (True, True)
