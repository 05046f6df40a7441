"""Settings of Prefect's client: the environment first, then the active profile."""

import os
import ssl
import threading
from pathlib import Path
from typing import Any

import certifi
import pytest
from prefect import context
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from towpath.orchestration.profile import (
    _profile,
    _tls_context,
    prefect_setting,
    share_tls_contexts,
    switch_heartbeats_off,
    with_settings,
)

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


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The TLS contexts that are made, by their `cafile`."""
    made: list[object] = []
    real = ssl.create_default_context

    def create(*args: Any, **options: Any) -> ssl.SSLContext:
        made.append(options.get("cafile"))
        return real(*args, **options)

    share_tls_contexts()
    _tls_context.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", create)
    return made


def test_clients_of_prefect_share_one_tls_context(contexts: list[object]) -> None:
    for _ in range(3):
        SyncPrefectClient("http://prefect.test/api")
        PrefectClient("https://prefect.test/api")
    assert len(contexts) == 1


def test_another_file_of_authorities_and_a_renewed_one_are_read(
    contexts: list[object], tmp_path: Path
) -> None:
    file = tmp_path / "authorities.pem"
    file.write_bytes(Path(certifi.where()).read_bytes())
    SyncPrefectClient("https://prefect.test/api")
    with temporary_settings({PREFECT_API_SSL_CERT_FILE: str(file)}):
        SyncPrefectClient("https://prefect.test/api")
        SyncPrefectClient("https://prefect.test/api")
        assert contexts[1:] == [file]
        os.utime(file, ns=(1, 1))
        SyncPrefectClient("https://prefect.test/api")
    assert contexts[1:] == [file, file]


def test_a_client_that_verifies_nothing_or_has_its_own_context_keeps_it(contexts: list[object]) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    SyncPrefectClient("https://prefect.test/api", httpx_settings={"verify": own})
    assert contexts == []
    with temporary_settings({PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True}):
        SyncPrefectClient("https://prefect.test/api")
        SyncPrefectClient("https://prefect.test/api")
    assert contexts == [None, None]


def test_a_missing_file_of_authorities_is_told(contexts: list[object], tmp_path: Path) -> None:
    missing = {PREFECT_API_SSL_CERT_FILE: str(tmp_path / "none.pem")}
    with temporary_settings(missing), pytest.raises(FileNotFoundError):
        SyncPrefectClient("https://prefect.test/api")


def test_no_engine_sends_heartbeats_and_other_settings_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    before = context.GLOBAL_SETTINGS_CONTEXT
    monkeypatch.setattr(context, "GLOBAL_SETTINGS_CONTEXT", before)
    url = PREFECT_API_URL.value_from(before.settings)
    assert PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value_from(before.settings) is not None
    switch_heartbeats_off()
    now = context.GLOBAL_SETTINGS_CONTEXT.settings
    assert PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value_from(now) is None
    assert PREFECT_API_URL.value_from(now) == url


def test_some_settings_hold_in_one_thread_meanwhile_and_the_others_stay() -> None:
    url, before = PREFECT_API_URL.value(), PREFECT_CLIENT_MAX_RETRIES.value()
    elsewhere: list[int] = []
    with with_settings(client={"max_retries": before + 1}, flows={"heartbeat_frequency": None}):
        assert PREFECT_CLIENT_MAX_RETRIES.value() == before + 1
        assert PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value() is None
        assert PREFECT_API_URL.value() == url
        other = threading.Thread(target=lambda: elsewhere.append(PREFECT_CLIENT_MAX_RETRIES.value()))
        other.start()
        other.join()
    assert elsewhere == [before]
    assert PREFECT_CLIENT_MAX_RETRIES.value() == before
