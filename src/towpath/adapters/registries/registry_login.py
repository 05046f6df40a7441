"""Who we are for a registry: what `docker login`, a credential helper or `helm registry login` left."""

import os
from collections.abc import Mapping
from pathlib import Path

from towpath.errors import TerminalError


def credentials(registry: str) -> dict[str, str]:
    """The credentials for a registry, Docker's before Helm's; {} when none.

    Keys: `username` and `password`, or `identitytoken`. TerminalError when a helper does not answer.
    """
    if not has_logins(os.environ):
        return {}
    # The docker SDK takes 7 MB and a fifth of a second.
    import docker.auth
    import docker.errors

    try:
        found = docker.auth.load_config().resolve_authconfig(registry)
        if not found and (file := helm_file(os.environ)).is_file():
            found = docker.auth.load_config(str(file)).resolve_authconfig(registry)
    except docker.errors.DockerException as error:
        raise TerminalError(f"cannot read Docker's credentials for {registry}: {error}") from error
    stored = {str(key).lower(): str(value) for key, value in (found or {}).items() if value}
    if "identitytoken" in stored:
        return {"identitytoken": stored["identitytoken"]}
    if "username" in stored and "password" in stored:
        return {"username": stored["username"], "password": stored["password"]}
    return {}


def has_logins(environ: Mapping[str, str]) -> bool:
    """Whether there is a file of a log-in to any registry: where the docker SDK looks, or Helm's."""
    home, named = Path.home(), environ.get("DOCKER_CONFIG")
    files = [home / ".docker/config.json", home / ".dockercfg", helm_file(environ)]
    if named:
        files.append(Path(named) / "config.json")
    return any(file.exists() for file in files)


def helm_file(environ: Mapping[str, str]) -> Path:
    """Where `helm registry login` writes."""
    if named := environ.get("HELM_REGISTRY_CONFIG"):
        return Path(named)
    home = Path(environ.get("HOME") or Path.home())
    config = (
        environ.get("HELM_CONFIG_HOME") or Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "helm"
    )
    return Path(config) / "registry" / "config.json"
