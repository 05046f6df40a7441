"""Settings of Prefect's client: the environment first, then the active profile."""

from pathlib import Path

import pytest

from towpath.orchestration.profile import _profile, prefect_setting

PROFILES = """\
active = "team"

[profiles.team]
PREFECT_API_URL = "http://team/api"
PREFECT_API_ENABLE = 1

[profiles.local]
PREFECT_API_URL = "http://local/api"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH", "PREFECT_API_ENABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    (tmp_path / "profiles.toml").write_text(PROFILES)
    _profile.cache_clear()
    return tmp_path


def test_the_active_profile_is_read(home: Path) -> None:
    assert prefect_setting("PREFECT_API_URL") == "http://team/api"
    assert prefect_setting("PREFECT_API_ENABLE") == "1"
    assert prefect_setting("PREFECT_API_KEY") is None


def test_the_environment_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://here/api")
    assert prefect_setting("PREFECT_API_URL") == "http://here/api"
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert prefect_setting("PREFECT_API_URL") == "http://team/api"


def test_another_profile_can_be_chosen(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_PROFILE", "local")
    assert prefect_setting("PREFECT_API_URL") == "http://local/api"
    assert prefect_setting("PREFECT_API_ENABLE") is None
    monkeypatch.setenv("PREFECT_PROFILE", "nobody's")
    assert prefect_setting("PREFECT_API_URL") is None


def test_the_file_can_lie_elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(PROFILES.replace("http://team", "http://mine"))
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "mine.toml"))
    assert prefect_setting("PREFECT_API_URL") == "http://mine/api"


@pytest.mark.parametrize(
    "text", ["", "active =", "profiles = 1", "[profiles]\nteam = 1", 'active = "no"', "\xff"]
)
def test_a_file_that_says_nothing_is_no_error(home: Path, text: str) -> None:
    (home / "profiles.toml").write_bytes(text.encode("latin-1"))
    assert prefect_setting("PREFECT_API_URL") is None


def test_no_file_is_no_error(home: Path) -> None:
    (home / "profiles.toml").unlink()
    assert prefect_setting("PREFECT_API_URL") is None
