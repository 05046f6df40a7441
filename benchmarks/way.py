"""The way of data: which modules one promotion and one reconcile pass, and how often they climb back.

Run: TOWPATH_HOME=... .venv/bin/python -m benchmarks.way [--calls]
Needs the local stack (`towpath local up`): Git, registry, API server and Prefect are real. A release is
promoted into an environment of its own, without approvals; then its Deployment is edited by hand and one
reconcile heals it. Both flows run in this process, and every call between modules of the project is noted.

Printed per flow: the rooms and modules of each step in the order in which they are entered, how many modules
that is besides value types, every climb back, and what was asked of Git and of the API server.

A *value type* is a module that only describes: see benchmarks/modules.py. A *room* is a package of the import
contract in pyproject.toml. A *climb back* is a call from a room into another one that the way had left for
good before the calling room was entered for the first time; each pair of rooms counts once per flow.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.following import Way
from tests.keys import evidence_of
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key
from towpath.adapters.evidence.referrers import put_bundle
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import RELEASE_TYPE
from towpath.evidence.trusted_keys import COMMITS, EVIDENCE
from towpath.release.model import Release, ScanSummary, one_image
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS, Settings


@dataclass
class BenchEnvironment:
    """An environment of its own on the stack: repository, namespace, lock and a release in the registry."""

    folder: Path
    name: str
    kubeconfig: str
    tools: Path
    registry: str
    keys: KeyFolder
    digest: str = ""

    @property
    def image(self) -> str:
        """A repository of its own, so that the evidence lies beside nobody else's image."""
        return f"{self.registry}/{self.name}"

    def kubectl(self, *args: str) -> str:
        return run(str(self.tools / "kubectl"), "--kubeconfig", self.kubeconfig, *args, cwd=self.folder)

    def push(self) -> None:
        """The repository with one app that was never released."""
        source = {"image": self.image, "renderer": "kustomize", "source": {"repository": "../way.git"}}
        environment = {"name": self.name, "namespace": self.name, "timeout": "2m"}
        config = {"apiVersion": "towpath.dev/v2", "apps": {"way": source}, "environments": [environment]}
        overlay = {"namespace": self.name, "resources": ["../base"]}
        files = {
            "towpath.yaml": yaml.safe_dump(config),
            "apps/way/base/kustomization.yaml": yaml.safe_dump({"resources": ["app.yaml"]}),
            "apps/way/base/app.yaml": yaml.safe_dump_all(self.objects()),
            f"apps/way/{self.name}/kustomization.yaml": yaml.safe_dump(overlay),
        }
        run("git", "init", "-q", "--bare", "-b", "main", "environments.git", cwd=self.folder)
        run("git", "clone", "-q", "environments.git", "work", cwd=self.folder)
        work = self.folder / "work"
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        run("git", "add", "-A", cwd=work)
        run("git", "commit", "-q", "-m", "Begin", cwd=work)
        run("git", "push", "-q", "origin", "HEAD:main", cwd=work)

    def objects(self) -> list[dict[str, Any]]:
        labels = {"app": "way"}
        container = {"name": "way", "image": self.image, "command": ["sleep", "3600"]}
        pods = {"terminationGracePeriodSeconds": 0, "containers": [container]}
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "way"},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": pods},
                },
            },
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "way"}, "data": {"a": "1"}},
        ]

    def release(self) -> None:
        """A copy of the stack's own base image, with the evidence of a release of the app."""
        self.digest = self._copy("base/busybox", "1")
        release = Release(
            app="way",
            images=one_image("way", self.image, self.digest),
            commit="0" * 40,
            source="https://example.com/way.git",
            subject="Begin",
            author="Dana <dana@example.com>",
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            scan=ScanSummary("passed", ("vuln", "secret"), findings={}),
            flow_run="",
        )
        key = read_private_key(self.keys.private_file("build"))
        put_bundle(self.image, self.digest, sign_release(evidence_of(release), key), RELEASE_TYPE)

    def _copy(self, repository: str, tag: str) -> str:
        """Its digest; the blobs are mounted from that repository."""
        api, kind = f"http://{self.registry}/v2", "application/vnd.docker.distribution.manifest.v2+json"
        found = httpx.get(f"{api}/{repository}/manifests/{tag}", headers={"Accept": kind}).raise_for_status()
        manifest = found.json()
        for blob in (manifest["config"], *manifest["layers"]):
            mount = {"mount": blob["digest"], "from": repository}
            httpx.post(f"{api}/{self.name}/blobs/uploads/", params=mount).raise_for_status()
        put = httpx.put(
            f"{api}/{self.name}/manifests/{tag}", content=found.content, headers={"Content-Type": kind}
        )
        return put.raise_for_status().headers["Docker-Content-Digest"]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The environment's lock on the Prefect server."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

        name = f"environment-{self.name}"
        with get_client(sync_client=True) as client:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
            try:
                yield
            finally:
                client.delete_global_concurrency_limit_by_name(name)


def run(*command: str, cwd: Path) -> str:
    who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER")
           for what, text in (("NAME", "Dana"), ("EMAIL", "dana@example.com"))}  # fmt: skip
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **who}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@contextmanager
def bench_environment(folder: Path) -> Iterator[BenchEnvironment]:
    """Sets this process's environment variables, too: the flows read them."""
    stack = Settings.load(os.environ)
    if not (stack.kubeconfig and stack.prefect_api_url):
        sys.exit("No local stack: run `towpath local up` first.")
    from towpath.local.common.layout import Layout
    from towpath.local.common.stack import Options, Stack

    layout = Layout(stack.local)
    registry = Stack(layout, Options.load(layout) or Options(subnet=layout.subnet), stack).registry
    name, agents = f"way-{uuid.uuid4().hex[:8]}", KeyFolder(folder / "keys")
    make_key(agents, "build", (EVIDENCE,))
    make_key(agents, name, (COMMITS,))
    place = BenchEnvironment(folder, name, stack.kubeconfig, stack.tools, registry, agents)
    os.environ |= {
        "TOWPATH_ENVIRONMENTS": str(folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(folder / "cache"),
        SIGNING_KEY: str(agents.private_file(name)),
        TRUSTED_KEYS: str(agents.trusted_file),
        "KUBECONFIG": stack.kubeconfig,
        "PREFECT_API_URL": stack.prefect_api_url,
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PATH": f"{stack.tools}{os.pathsep}{os.environ['PATH']}",
    }
    place.push()
    place.kubectl("create", "namespace", name)
    try:
        with place.lock():
            place.release()
            yield place
    finally:
        place.kubectl("delete", "namespace", name, "--wait=false")


def follow(title: str, work: Callable[[], object], *, calls: bool) -> None:
    from towpath.adapters.kubernetes.connect import _shared

    _shared.cache_clear()  # as in a process of its own
    way = Way()
    begin = time.monotonic()
    with way.followed():
        result = work()
    print(f"{title}: {result} ({time.monotonic() - begin:.1f} s, slowed by being followed)")
    way.told(title, calls=calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", action="store_true", help="also every call between modules, by number")
    calls = parser.parse_args().calls
    with (
        tempfile.TemporaryDirectory(prefix="towpath-way-") as folder,
        bench_environment(Path(folder)) as place,
    ):
        from flows.promote import promote
        from flows.reconcile import reconcile

        follow(
            "promote, without approvals",
            lambda: promote("way", place.digest, place.name, return_state=True).message,
            calls=calls,
        )
        place.kubectl("--namespace", place.name, "label", "configmap", "way", "towpath.dev/app=other",
                      "--overwrite")  # fmt: skip
        follow(
            "reconcile, of one drifted app",
            lambda: reconcile(place.name, return_state=True).message,
            calls=calls,
        )


if __name__ == "__main__":
    main()
