"""Many apps in one environment: a real environment repository, the real API server, and no Prefect."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.manifests import configmap, service
from tests.integration.world import World
from towpath.adapters.kubernetes import connect
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import look, reconcile
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.formats.versions import V2
from towpath.objects import Manifest
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file
from towpath.settings import Settings

DIGEST = "sha256:" + "0" * 64


@dataclass
class Fleet:
    """`files` is what the branch has; `push` makes a commit of it. The environment is called `test`."""

    folder: Path
    world: World
    settings: Settings
    environment: dict[str, Any] = field(default_factory=dict)
    apps: dict[str, list[Manifest]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    registry: str = "127.0.0.1:5000"
    images: dict[str, str] = field(default_factory=dict)
    """Of apps that really run: `NAME@DIGEST`. The others have an image that there is not."""
    health_rules: list[dict[str, str]] = field(default_factory=list)
    """`healthCheckExprs`"""
    files: dict[str, str] = field(default_factory=dict)
    """Further files of the repository."""
    depends_on: dict[str, list[str]] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.world.namespace

    def add(self, name: str, *more: Manifest) -> None:
        """An app with a Deployment (of no replica), a Service, a ConfigMap, and `more`."""
        self.apps[name] = [workload(name), service(name), configmap(f"{name}-settings", A="1"), *more]

    def push(self, subject: str = "Change") -> str:
        """Commit what `apps` says now; the new head."""
        work = self.folder / "work"
        if not work.exists():
            self.git(self.folder, "init", "-q", "--bare", "-b", "main", "environments.git")
            self.git(self.folder, "clone", "-q", "environments.git", "work")
            self.git(work, "checkout", "-q", "-B", "main")
        for old in work.iterdir():
            if old.name != ".git":
                subprocess.run(["rm", "-rf", str(old)], check=True)
        for path, text in self.content().items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        self.git(work, "add", "-A")
        self.git(work, "commit", "-q", "--allow-empty", "-m", subject)
        self.git(work, "push", "-q", "--force", "origin", "main")
        return self.git(work, "rev-parse", "HEAD")

    def content(self) -> Mapping[str, str]:
        images = {name: self.images.get(name, f"{self.registry}/{name}@{DIGEST}") for name in self.apps}
        listed: dict[str, dict[str, Any]] = {
            name: {"image": image.partition("@")[0], "renderer": "plain"} for name, image in images.items()
        }
        for name, others in self.depends_on.items():
            if name in listed:
                listed[name]["dependsOn"] = others
        environment = {"name": "test", "namespace": self.namespace, **self.environment}
        config = {"apiVersion": "towpath.dev/v2", "apps": listed, "environments": [environment]}
        if self.health_rules:
            config["healthCheckExprs"] = self.health_rules
        files = {"towpath.yaml": yaml.safe_dump(config), **self.files}
        for name, objects in self.apps.items():
            files[f"apps/{name}/test/app.yaml"] = yaml.safe_dump_all(objects)
            files[f"apps/{name}/test/release.yaml"] = release(name, *images[name].split("@"))
        return files

    def look(self, apps: list[str] | None = None, **options: Any) -> ReconcilePlan:
        return look(open_context(self.settings, "test"), apps, **options)

    def reconcile(self, apps: list[str] | None = None, **options: Any) -> ReconcileResult:
        self.lines.clear()
        context = open_context(self.settings, "test")
        return reconcile(context, apps, tell=self.lines.append, **options)

    def git(self, folder: Path, *args: str) -> str:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "Dana"), ("EMAIL", "dana@example.com"))},
        }  # fmt: skip
        done = subprocess.run(
            ["git", *args], cwd=folder, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def resource_versions(self) -> dict[str, str]:
        """Of everything of ours and every inventory: any write of anybody changes them."""
        kinds = "deployment,service,configmap,secret,role,serviceaccount"
        text = self.world.kubectl("get", kinds, "-l", "towpath.dev/environment=test", "-o", "json")
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for each in json.loads(text)["items"]
        }


def workload(name: str) -> Manifest:
    labels = {"app": name}
    container = {"name": "app", "image": f"127.0.0.1:5000/{name}@{DIGEST}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"tier": "web"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def release(name: str, image: str, digest: str = DIGEST) -> str:
    known = Release(
        app=name,
        images=one_image(name, image, digest),
        commit="0" * 40,
        source=f"/{name}.git",
        subject="Begin",
        author="Dana <dana@example.com>",
        built_at="2026-01-01T00:00:00+00:00",
        scan=ScanSummary("passed", ("secret",)),
        flow_run="",
    )
    return dump_release_file(EnvironmentRelease(known, "2026-01-01T00:00:00+00:00", "dana"), V2)


@contextmanager
def a_fleet(settings: Settings, folder: Path, *, create: bool = True) -> Iterator[Fleet]:
    """A namespace and a repository of its own; both are taken away in the end."""
    assert settings.kubeconfig
    kubeconfig, kubectl = Path(settings.kubeconfig), settings.tools / "kubectl"
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    world = World(connect(str(kubeconfig)), kubectl, kubeconfig, namespace)
    if create:
        world.kubectl("create", "namespace", namespace)
    folder.mkdir(parents=True, exist_ok=True)
    environ = {
        "HOME": str(folder),
        "TOWPATH_ENVIRONMENTS": str(folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(folder / "cache"),
        "KUBECONFIG": str(kubeconfig),
    }
    try:
        yield Fleet(folder, world, Settings.load(environ))
    finally:
        world.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
