"""Towpath delivers Towpath: the example's repository, our Dockerfile, a real engine and a real registry."""

import os
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from tests.flows.bench import FLOWS, Bench, git, prefect_server
from tests.images.engine import ROOT, Engine, running_engine
from tests.keys import make_keys
from tests.own_registry import own_registry
from tests.unit.test_examples import own_releases
from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.evidence.sbom_evidence import prove_sbom
from towpath.adapters.images import docker
from towpath.config import load_config
from towpath.engine.source.release_proof import prove
from towpath.engine.verify.sbom_steps import sbom_steps
from towpath.evidence.statement import Image
from towpath.orchestration import keys
from towpath.release.model import Release
from towpath.settings import TRUSTED_KEYS

__all__ = ["prefect_server"]
pytestmark = pytest.mark.timeout(3600)
APP, ENVIRONMENT = "towpath", "system"
HELD = {
    "server": ("pkg:deb/debian/", "pkg:pypi/prefect@"),
    "agent": ("pkg:deb/debian/git@", "pkg:pypi/kubernetes@", "pkg:golang/helm.sh/helm/v4"),
    "build": ("pkg:pypi/kubernetes@", "pkg:golang/github.com/aquasecurity/trivy"),
}
"""By image: how the names of some of its parts begin."""


@pytest.mark.usefixtures("prefect_server")
def test_a_release_of_our_own_has_evidence_and_a_bill_of_materials_for_each_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_engine() as engine, own_registry(tmp_path / "registry") as registry:
        bench = begin(tmp_path, engine, registry)
        # An engine of the tests has no network of its own for the steps of a build.
        monkeypatch.setattr(docker, "build", partial(docker.build, network="host"))
        for name, value in {
            "TOWPATH_ENVIRONMENTS": str(bench.environments),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_CACHE": str(tmp_path / "cache"),
            "TOWPATH_HOME": str(tmp_path / "home"),
            TRUSTED_KEYS: str(make_keys(tmp_path / "keys").trusted_file),
            "DOCKER_HOST": engine.host,
        }.items():
            monkeypatch.setenv(name, value)
        run = bench.start("deliver/deliver", app=APP, revision="main")
        assert run.state is not None
        assert run.state.is_completed(), run.state.message
        follows = bench.successor(run, ENVIRONMENT)
        assert follows is not None
        look_at(bench, str(follows.parameters["digest"]))


def begin(folder: Path, engine: Engine, registry: str) -> Bench:
    """The example as a repository, with our registry and the base image; our own beside it, at its commit."""
    work = folder / "example"
    own_releases(work)
    for path in (work / "towpath.yaml", work / "apps/towpath/system/values.yaml"):
        text = path.read_text().replace("registry.example.com", registry)
        path.write_text(text.replace("docker.io/library/python:3.11-slim-bookworm", engine.base))
    shutil.copytree(work, folder / "work-environments")
    git(folder, "init", "-q", "--template=", "--bare", "-b", "main", "environments.git")
    environments = folder / "work-environments"
    git(environments, "init", "-q", "--template=", "-b", "main")
    git(environments, "remote", "add", "origin", "../environments.git")
    git(environments, "add", "-A")
    git(environments, "commit", "-q", "-m", "Begin")
    git(environments, "push", "-q", "origin", "main")
    git(folder, "clone", "-q", "--bare", "--template=", str(ROOT), "towpath.git")
    git(folder / "towpath.git", "branch", "-f", "main", git(ROOT, "rev-parse", "HEAD"))
    with get_client(sync_client=True) as client:
        flow = client.create_flow(FLOWS[keys.PROMOTE])
        client.create_deployment(flow, keys.deployment_name(keys.PROMOTE, ENVIRONMENT))
    return Bench(folder)


def look_at(bench: Bench, release_id: str) -> None:
    """The release is proven, small where it is recorded, and each image has its bill of materials."""
    app = load_config(bench.folder / "example").app(APP)
    trusted = read_trusted_keys(Path(os.environ[TRUSTED_KEYS]))
    release: Release = prove(trusted, app, release_id).release
    assert release.commit == git(ROOT, "rev-parse", "HEAD")
    assert release.scan.status == "passed"
    assert {each.name: each.image for each in release.images} == dict(app.images)
    assert {step.standing for step in sbom_steps(trusted, app, release.images)} == {"proven"}
    for each in release.images:
        found = prove_sbom(Image(each.image, each.digest), trusted, ("build",), datetime.now(UTC))
        assert found is not None
        parts = [str(part.get("purl", "")) for part in found.document["components"]]
        for beginning in HELD[each.name]:
            assert any(part.startswith(beginning) for part in parts), (each.name, beginning, parts[:20])
