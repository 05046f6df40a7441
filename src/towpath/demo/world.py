"""Access to the local stack as a user has it: `towpath`, `kubectl`, `git`, the registry."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.adapters.process import Completed, run
from towpath.errors import MissingPartError, TransientError
from towpath.local.common.http import request
from towpath.release.commit_message import parse_trailers
from towpath.release.release_file import parse_release_file
from towpath.settings import Settings

APP = "hello"
ENVIRONMENTS = ("dev", "staging", "prod")

COMMAND_TIMEOUT = 900.0
"""Seconds for one `towpath` command: a delivery through two environments with slow pods."""

Tell = Callable[[str], None]
"""Takes one line of output."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the environment repository: id (40 hex), first line, trailers."""

    sha: str
    subject: str
    trailers: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class World:
    """Access to the running local stack. Every call queries the real parts; nothing is cached."""

    settings: Settings
    environ: Mapping[str, str]
    work: Path

    @classmethod
    def connect(cls, settings: Settings, work: Path) -> "World":
        """The stack of `settings`; `work` holds working copies. MissingPartError when it is not running."""
        if not settings.environments or not settings.kubeconfig:
            raise MissingPartError(
                "the local stack is not running", remedy="Start it with `towpath local up`."
            )
        environ = dict(os.environ)
        settings.export(environ)
        environ["PATH"] = os.pathsep.join([str(settings.tools), environ.get("PATH", "")])
        work.mkdir(parents=True, exist_ok=True)
        return cls(settings, environ, work)

    def towpath(self, *args: str, tell: Tell | None = None, codes: tuple[int, ...] = (0,)) -> Completed:
        """Run the `towpath` command as a person would; `tell` gets each line as it appears."""
        command = [str(Path(sys.executable).with_name("towpath")), *args]
        return run(command, env=self.environ, timeout=COMMAND_TIMEOUT, codes=codes, on_line=tell)

    def kubectl(self, *args: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run kubectl as the cluster's administrator."""
        return run(["kubectl", *args], env=self.environ, timeout=120, codes=codes).stdout.strip()

    def live(self, kind: str, environment: str, name: str = APP) -> dict[str, Any] | None:
        """One live object, or None."""
        text = self.kubectl("get", kind, name, "-n", environment, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text else None

    def git(self, *args: str, cwd: Path | None = None) -> str:
        """Run git with a neutral identity and no configuration of the machine."""
        environ = {
            "PATH": self.environ["PATH"],
            "HOME": str(self.work),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Dana Developer",
            "GIT_AUTHOR_EMAIL": "dana@example.com",
            "GIT_COMMITTER_NAME": "Dana Developer",
            "GIT_COMMITTER_EMAIL": "dana@example.com",
        }
        return run(["git", *args], cwd=cwd or self.work, env=environ, timeout=60).stdout.strip()

    @property
    def source(self) -> str:
        """The source repository: `hello.git` beside the environment repository."""
        return str(Path(self.settings.environments or "").parent / f"{APP}.git")

    def commits(self, *paths: str) -> list[Commit]:
        """The environment repository's commits that touch `paths`, newest first."""
        environments = self.settings.environments or ""
        log = self.git("--git-dir", environments, "log", "--format=%H%x00%s%x00%B%x1e", "main", "--", *paths)
        commits = []
        for entry in filter(None, (part.strip("\n") for part in log.split("\x1e"))):
            sha, subject, body = entry.split("\x00", 2)
            commits.append(Commit(sha, subject, parse_trailers(body)))
        return commits

    def page(self, environment: str) -> str:
        """The app's page, read from a pod through the API server; empty when none answers."""
        path = f"/api/v1/namespaces/{environment}/services/{APP}:80/proxy/"
        return self.kubectl("get", "--raw", path, codes=(0, 1))

    def running_digests(self, environment: str) -> set[str]:
        """Image digests of the app's running pods, as the container runtime reports them."""
        pods = json.loads(self.kubectl("get", "pods", "-n", environment, "-o", "json"))["items"]
        statuses = [
            status
            for pod in pods
            if not pod["metadata"].get("deletionTimestamp")
            for status in pod["status"].get("containerStatuses", [])
        ]
        return {status["imageID"].rpartition("@")[2] for status in statuses if status.get("ready")}

    def released(self, environment: str) -> str | None:
        """The digest that Git says runs in `environment`."""
        path, repository = f"apps/{APP}/{environment}/release.yaml", self.settings.environments or ""
        if not self.git("--git-dir", repository, "ls-tree", "main", "--", path):
            return None
        text = self.git("--git-dir", repository, "show", f"main:{path}")
        return parse_release_file(text, path).release.id

    def image_repository(self) -> str:
        """`host:port/name` that releases are pushed to."""
        import yaml

        text = self.git("--git-dir", self.settings.environments or "", "show", "main:towpath.yaml")
        return str(yaml.safe_load(text)["apps"][APP]["image"])

    def tags(self) -> set[str]:
        """Everything that the registry holds of the app."""
        registry, _, name = self.image_repository().partition("/")
        reply = request("GET", f"http://{registry}/v2/{name}/tags/list")
        if reply.status == 404:
            return set()
        if not reply.ok:
            raise TransientError(f"registry {registry} answered {reply.status}")
        return set(reply.json().get("tags") or [])
