"""Settings of Prefect's client: from the environment, then from the active profile, as Prefect reads them."""

import contextlib
import os
import ssl
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any


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
    return ssl.create_default_context(cafile=file)


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
