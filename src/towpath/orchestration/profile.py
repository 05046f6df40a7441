"""Settings of Prefect's client: from the environment, then from the active profile, as Prefect reads them."""

import os
import tomllib
from functools import lru_cache
from pathlib import Path


def prefect_setting(name: str) -> str | None:
    """The value of a setting such as `PREFECT_API_KEY`; None when neither place has it."""
    return os.environ.get(name) or _profile(_home(), os.environ.get("PREFECT_PROFILE")).get(name)


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
