"""Which environment repository an agent works on: told by the agent at the Prefect server, read by verbs.

A run is carried out by the agents of the server, whatever repository the person who starts it has read. So a
verb compares before it starts one. This keeps people from mistakes; it is no proof of anything.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from towpath.errors import RefusedError
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi

_SCP = re.compile(r"(?:[^@/:\s]+@)?([^@/:\s]{2,}):(?!//)(\S+)")
_PORTS = {"http": 80, "https": 443, "git": 9418}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def publish_repository(
    api: PrefectApi, environment: str | None, url: str, branch: str, addresses: Iterable[str] = ()
) -> None:
    """Tell which repository the agent of an environment (None: the one that builds) works on.

    `addresses` are further URLs of the same repository, under which people reach it.
    """
    name = keys.repository_variable(environment)
    value = {"url": _shown(url), "branch": branch, "addresses": [_shown(each) for each in addresses]}
    try:
        if api.get(f"/variables/name/{name}").get("value") == value:
            return
        api.request("PATCH", f"/variables/name/{name}", {"value": value})
    except NotFoundError:
        api.post("/variables/", {"name": name, "value": value, "tags": ["towpath"]})


def require_repository(api: PrefectApi, environment: str | None, url: str, branch: str) -> None:
    """RefusedError when the agent works on another repository or branch. What no agent has told is taken."""
    try:
        value = api.get(f"/variables/name/{keys.repository_variable(environment)}").get("value")
    except NotFoundError:
        return
    if not isinstance(value, Mapping) or not isinstance(value.get("url"), str):
        return
    agent = f"the agent {environment or 'build'} of the Prefect server at {api.url}"
    if not _is_one_of(url, value):
        raise RefusedError(
            f"{agent} works on {value['url']}, and this command on {_shown(url)}: nothing was started",
            remedy="Set TOWPATH_ENVIRONMENTS to the agent's repository, or PREFECT_API_URL to your server."
            " If both are the same repository, name its other URL in `repository.addresses` of agent.yaml.",
        )
    if value.get("branch") not in (None, branch):
        raise RefusedError(
            f"{agent} follows the branch {value['branch']}, and this command {branch}: nothing was started",
            remedy=f"Set TOWPATH_ENVIRONMENTS_BRANCH to {value['branch']}.",
        )


def _is_one_of(url: str, value: Mapping[str, Any]) -> bool:
    others = value.get("addresses")
    known = [value["url"], *(others if isinstance(others, list) else ())]
    return identity(url) in {identity(str(each)) for each in known}


def identity(url: str) -> str:
    """The same for all usual spellings of a repository's URL: HOST/PATH, or the path of a folder."""
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp:
        return f"{scp[1].lower()}/{_path(scp[2])}"
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return f"/{_path(unquote(parts.path) if parts.scheme else url)}"
    host = (parts.hostname or "").lower()
    host = "localhost" if host in _LOOPBACK else host
    try:
        port = parts.port
    except ValueError:
        return url
    # How SSH is reached says nothing about which repository it is.
    told = (
        "" if parts.scheme in ("ssh", "git+ssh") or port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    )
    return f"{host}{told}/{_path(unquote(parts.path))}"


def _path(path: str) -> str:
    return posixpath.normpath(f"/{path}").strip("/").removesuffix(".git").rstrip("/")


def _shown(url: str) -> str:
    """A URL without credentials."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
