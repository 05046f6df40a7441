"""Settings of Prefect's client: from the environment, then from the active profile, as Prefect reads them."""

import contextlib
import os
import ssl
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")
HOME_SETTING = "PREFECT_HOME"
_contexts: dict[Path, list[ssl.SSLContext]] = {}
_read_from: dict[str, str] = {}
"""The variables from which Prefect has read its settings."""


def prefect_setting(name: str) -> str | None:
    """The value of a setting such as `PREFECT_API_KEY`; None when neither place has it."""
    return os.environ.get(name) or _profile(_home(), os.environ.get("PREFECT_PROFILE")).get(name)


@lru_cache(maxsize=1)
def share_tls_contexts() -> None:
    """Let Prefect's clients in this process, and those forked from it, share the TLS context of a file of
    certificate authorities.

    Each of them reads the file, some 30 ms, also for a server without TLS; a flow run makes seven clients.
    """
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    for client in (PrefectClient, SyncPrefectClient):
        client.__init__ = _with_shared_context(client.__init__)  # type: ignore[method-assign]
    with contextlib.suppress(OSError):  # the first client tells of a file that cannot be read
        _shared_context()


def _with_shared_context(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def with_shared_context(
        self: Any, *args: Any, httpx_settings: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        settings = dict(httpx_settings or {})
        if "verify" not in settings:
            settings |= _shared_context()
        init(self, *args, httpx_settings=settings, **options)

    return with_shared_context


def _shared_context() -> dict[str, ssl.SSLContext]:
    """httpx's setting; none where certificates are not verified."""
    import certifi
    from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_TLS_INSECURE_SKIP_VERIFY

    if PREFECT_API_TLS_INSECURE_SKIP_VERIFY.value():
        return {}
    file = Path(PREFECT_API_SSL_CERT_FILE.value() or certifi.where())
    return {"verify": _tls_context(file, file.stat().st_mtime_ns)}


@lru_cache(maxsize=4)
def _tls_context(file: Path, _changed: int) -> ssl.SSLContext:
    """Clients that live on have an earlier one, and trust as well what is in the file by now."""
    made = ssl.create_default_context(cafile=file)
    earlier = _contexts.setdefault(file, [])
    for each in earlier:
        each.load_verify_locations(cafile=file)
    earlier.append(made)
    return made


def switch_heartbeats_off() -> None:
    """Let no engine in this process, and those forked from it, send heartbeats: no variable can say so.

    It does from a thread that sleeps for a second at a time, and a run's process waits for it in the end.
    """
    from prefect import context

    before = context.GLOBAL_SETTINGS_CONTEXT
    settings = _changed(before.settings, {"flows": {"heartbeat_frequency": None}})
    context.GLOBAL_SETTINGS_CONTEXT = before.model_copy(update={"settings": settings})


@contextlib.contextmanager
def with_settings(**changes: Mapping[str, object]) -> Iterator[None]:
    """Let these settings of Prefect hold meanwhile, in this thread: `client={"max_retries": 2}`.

    As Prefect's `temporary_settings`, which would read all others anew, too (see `refresh_settings`).
    """
    from prefect.context import SettingsContext, get_settings_context

    before = get_settings_context()
    with SettingsContext(profile=before.profile, settings=_changed(before.settings, changes)):
        yield


def _changed(settings: "M", changes: Mapping[str, Mapping[str, object]]) -> "M":
    groups = {name: getattr(settings, name).model_copy(update=values) for name, values in changes.items()}
    return settings.model_copy(update=groups)


def _home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


@lru_cache(maxsize=8)
def _profile(home: Path, chosen: str | None) -> dict[str, str]:
    file = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        profile = content.get("profiles", {}).get(chosen or content.get("active", ""), {})
        return {str(name): str(value) for name, value in profile.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def note_settings(environ: Mapping[str, str]) -> None:
    """Called before Prefect is imported, in a process that forks others."""
    _read_from.clear()
    _read_from.update(_of_prefect(environ))


def refresh_settings() -> None:
    """Let Prefect know the environment as it is now, if it is imported already: in a forked process.

    To read all settings anew takes 0.1 s of a processor, and 5 MB that the process then shares with no other.
    Where only the home folder differs, what follows from it is replaced instead.
    """
    if "prefect.context" not in sys.modules:
        return
    from prefect import context

    now = _of_prefect(os.environ)
    home = Path(now.get(HOME_SETTING, ""))
    same = {**now, HOME_SETTING: ""} == {**_read_from, HOME_SETTING: ""}
    if same and HOME_SETTING in _read_from and home.is_absolute() and not (home / "profiles.toml").exists():
        before = context.GLOBAL_SETTINGS_CONTEXT
        settings = rehomed(before.settings, Path(_read_from[HOME_SETTING]), home)
        context.GLOBAL_SETTINGS_CONTEXT = before.model_copy(update={"settings": settings})
    else:
        # It finds the profiles by the settings that hold: without any, by the environment.
        context.GLOBAL_SETTINGS_CONTEXT = None  # type: ignore[assignment]
        context.refresh_global_settings_context()
    note_settings(os.environ)


def rehomed(model: "M", old: Path, new: Path) -> "M":
    """The settings with every path below the folder `old` moved to `new`; the same where none is."""
    changed: dict[str, object] = {}
    for name, value in model.__dict__.items():
        moved = _moved(value, old, new)
        if moved is not value:
            changed[name] = moved
    return model.model_copy(update=changed) if changed else model


def _moved(value: object, old: Path, new: Path) -> object:
    from pydantic import BaseModel, SecretStr

    match value:
        case BaseModel():
            return rehomed(value, old, new)
        case Path() if value.is_relative_to(old):
            return new / value.relative_to(old)
        case SecretStr() if f"{old}/" in value.get_secret_value():  # the URL of a database
            return SecretStr(value.get_secret_value().replace(f"{old}/", f"{new}/"))
    return value


def _of_prefect(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("PREFECT_")}
