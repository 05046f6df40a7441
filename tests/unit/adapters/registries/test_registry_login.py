"""The credentials of a registry, as Docker and Helm keep them."""

import base64
import json
from pathlib import Path

import pytest

from towpath.adapters.registries.registry_login import credentials, has_logins
from towpath.errors import TerminalError

REGISTRY = "registry.example.com"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `docker login` would write."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(tmp_path / "helm.json"))
    return tmp_path / "config.json"


def test_without_a_log_in_there_are_no_credentials(config: Path) -> None:
    assert credentials(REGISTRY) == {}


def test_a_log_in_is_read(config: Path) -> None:
    auth = base64.b64encode(b"bob:pass:word").decode()
    config.write_text(json.dumps({"auths": {REGISTRY: {"auth": auth}}}))
    assert credentials(REGISTRY) == {"username": "bob", "password": "pass:word"}
    assert credentials("other.example.com") == {}


def test_an_identity_token_is_read(config: Path) -> None:
    auth = base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode()
    config.write_text(json.dumps({"auths": {REGISTRY: {"auth": auth, "identitytoken": "canary"}}}))
    assert credentials(REGISTRY) == {"identitytoken": "canary"}


def test_a_credential_helper_is_asked(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(json.dumps({"credHelpers": {REGISTRY: "test"}}))
    helper = tmp_path / "docker-credential-test"
    helper.write_text("""#!/bin/sh\necho '{"Username": "bob", "Secret": "helped"}'\n""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert credentials(REGISTRY) == {"username": "bob", "password": "helped"}


@pytest.mark.filterwarnings("ignore:docker-credential")
def test_a_helper_that_is_not_there_is_an_error(config: Path) -> None:
    config.write_text(json.dumps({"credHelpers": {REGISTRY: "nowhere"}}))
    with pytest.raises(TerminalError, match=r"registry\.example\.com"):
        credentials(REGISTRY)


def test_helms_log_in_is_read_where_docker_has_none(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def auths(login: str) -> str:
        return json.dumps({"auths": {REGISTRY: {"auth": base64.b64encode(login.encode()).decode()}}})

    (config.parent / "helm.json").write_text(auths("ann:helm"))
    assert credentials(REGISTRY) == {"username": "ann", "password": "helm"}
    config.write_text(auths("bob:docker"))
    assert credentials(REGISTRY) == {"username": "bob", "password": "docker"}
    config.unlink()
    monkeypatch.delenv("HELM_REGISTRY_CONFIG")
    for name in ("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", "HOME"):
        for other in ("HELM_CONFIG_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(other, raising=False)
        folder = config.parent / name
        monkeypatch.setenv(name, str(folder))
        inner = {"HELM_CONFIG_HOME": "registry", "XDG_CONFIG_HOME": "helm/registry"}
        file = folder / inner.get(name, ".config/helm/registry") / "config.json"
        file.parent.mkdir(parents=True)
        file.write_text(auths(f"ann:{name}"))
        assert credentials(REGISTRY) == {"username": "ann", "password": name}


@pytest.mark.parametrize(
    "file", ["docker/config.json", "home/.docker/config.json", "home/.dockercfg", "helm.json"]
)
def test_a_log_in_of_each_place_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path / "docker"), "HELM_REGISTRY_CONFIG": str(tmp_path / "helm.json")}
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert not has_logins(environ)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("{}")
    assert has_logins(environ)
