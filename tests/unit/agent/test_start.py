"""What an agent imports before it forks: what is of no use to it would take memory in each pod."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from towpath.agent.configuration import AgentConfiguration
from towpath.agent.start import UNUSED, modules
from towpath.agent.zygote import preload
preload(modules(AgentConfiguration(sys.argv[1] or None, lease_namespace="towpath")), UNUSED)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
SDK = {"docker", "requests", "charset_normalizer"}
NEVER = {
    "kubernetes",
    "oauthlib",
    "prefect_redis",
    "redis",
    "sqlalchemy",
    "supervisor",
    "text_unidecode",
    "typer",
}


def packages(environment: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    for name in ("DOCKER_CONFIG", "HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    command = [sys.executable, "-c", PROGRAM, environment]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_an_environments_agent_imports_nothing_that_builds_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = packages("dev", tmp_path, monkeypatch)
    assert found & (SDK | NEVER) == set()
    assert {"prefect", "git", "cryptography"} <= found


def test_one_with_the_login_of_a_registry_imports_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text("{}")
    found = packages("dev", tmp_path, monkeypatch)
    assert found >= SDK
    assert found & NEVER == set()


def test_the_agent_that_builds_imports_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = packages("", tmp_path, monkeypatch)
    assert found >= SDK
    assert found & NEVER == set()
