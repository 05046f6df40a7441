"""Lines of the guides for whoever runs Towpath, on a real API server as they stand there."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.chart import example, needs_helm
from tests.integration.installing import Site, a_site
from tests.integration.running import RunningStack
from tests.unit.guides.commands import ROOT, lines_to_run
from towpath.evidence.trusted_keys import parse_trusted_keys
from towpath.local.parts.certificates import Subject, ensure_certificates

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900), needs_helm]

PARSED = ("exec ", "port-forward", " top ", "towpath doctor", "towpath diff", "towpath deployments")
"""Tried by their parsers only: they need pods, or an environment repository."""


@dataclass
class Clusters:
    """`hub` has the servers, and `prod`, which is its agent's environment and another name of its context."""

    hub: Site
    eu: Site
    folder: Path

    def follow(self, guide: str, *only: str) -> list[str]:
        """Run the lines of a guide that have one of these texts, or all for kubectl, towpath and mkdir."""
        lines = [line for _, line in lines_to_run(ROOT / "docs/guides" / guide)]
        lines = [line for line in lines if not only or any(text in line for text in only)]
        chosen = [line for line in lines if not any(text in line for text in PARSED)]
        for line in chosen:
            self.run(line)
        return chosen

    def run(self, line: str) -> str:
        site = self.eu if "--context eu" in line else self.hub
        if "towpath install" in line:
            line += " --namespace towpath-system --no-wait"
        path = f"{self.folder}:{os.environ['PATH']}"
        environ = {**os.environ, "KUBECONFIG": str(self.folder / "kubeconfig"), "PATH": path}
        environ |= {"KUBE_EDITOR": "true", "TOWPATH_CACHE": str(self.folder / "cache")}
        done = subprocess.run(
            line.replace("towpath-system", site.home).replace("towpath-builder", builder_of(site)),
            shell=True, cwd=self.folder, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def trusted(self, site: Site) -> set[str]:
        found = site.there("configmap", "towpath-trusted-keys")
        assert found
        entries = parse_trusted_keys(found["data"]["allowed_signers"], "x").entries
        return {name for each in entries for name in each.principals}


@pytest.fixture
def clusters(stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clusters]:
    with a_site(stack, tmp_path, monkeypatch) as hub, a_site(stack, tmp_path, monkeypatch) as eu:
        config = yaml.safe_load(hub.world.kubectl("config", "view", "--raw", "--flatten"))
        (context,) = (
            each["context"] for each in config["contexts"] if each["name"] == config["current-context"]
        )
        config["contexts"] = [{"name": name, "context": context} for name in ("hub", "prod", "eu")]
        config["current-context"] = "hub"
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        program = tmp_path / "towpath"
        call = 'import sys; sys.argv[0] = "towpath"; from towpath.cli.main import run; run()'
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{call}' \"$@\"\n")
        program.chmod(0o755)
        values = yaml.safe_load(example("all-in-one").read_text())
        values |= {"agents": {"prod": {"namespace": hub.place}}, "monitoring": {}}
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
        values = yaml.safe_load(example("agent-alone").read_text())
        values |= {"agents": {"prod-eu": {"namespace": eu.place}}}
        (tmp_path / "eu.yaml").write_text(yaml.safe_dump(values))
        (tmp_path / "netrc").write_text("machine git.example.com login a password b\n")
        (tmp_path / "client-secret").write_text("c")
        subjects = {"server": Subject("buildkit", hosts=("127.0.0.1",)), "client": Subject("agent")}
        ensure_certificates(tmp_path, subjects)
        yield Clusters(hub, eu, tmp_path)
        hub.world.kubectl("delete", "namespace", builder_of(hub), "--wait=false", "--ignore-not-found")


def builder_of(site: Site) -> str:
    """In place of the guide's `towpath-builder`."""
    return f"{site.home}-builder"


def secret(site: Site, name: str, key: str) -> str:
    found = site.there("secret", name)
    assert found, name
    return base64.b64decode(found["data"][key]).decode()


def test_a_second_cluster_secrets_that_change_and_a_restore(clusters: Clusters) -> None:
    hub, eu = clusters.hub, clusters.eu
    assert len(clusters.follow("install.md", "create namespace", "label namespace", "create secret")) == 7
    assert hub.there("secret", "buildkit-client")
    assert len(clusters.follow("sso.md")) == 2
    clusters.run("towpath install --context hub --values values.yaml")
    assert clusters.trusted(hub) == {"build", "prod"}

    assert len(clusters.follow("several-clusters.md")) == 9
    assert secret(eu, "towpath-prefect", "auth-string") == secret(hub, "towpath-prefect", "auth-string")
    assert clusters.trusted(eu) == clusters.trusted(hub) == {"build", "prod", "prod-eu"}

    before = {name: hub.there("secret", name) for name in ("towpath-prefect", "towpath-agent-prod-keys")}
    assert len(clusters.follow("secrets.md")) == 6
    assert all(hub.there("secret", name) != found for name, found in before.items())
    assert secret(hub, "towpath-prefect", "auth-string").startswith("towpath:")
    assert clusters.trusted(hub) == {"build", "prod", "prod-eu"}

    assert len(clusters.follow("troubleshooting.md", "rollout restart")) == 2

    trusted = hub.there("configmap", "towpath-trusted-keys")
    lines = clusters.follow("backup.md", "get configmap", "delete deployment", "towpath install")
    assert len(lines) == 4
    assert hub.there("deployment", "towpath-agent-prod")
    assert hub.there("deployment", "towpath-server")
    clusters.run("kubectl -n towpath-system delete configmap towpath-trusted-keys")
    assert len(clusters.follow("backup.md", "create configmap")) == 1
    again = hub.there("configmap", "towpath-trusted-keys")
    assert trusted and again
    assert again["data"] == trusted["data"]
    assert len(clusters.follow("upgrade.md", "towpath install")) == 3
