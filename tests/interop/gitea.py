"""A real Gitea on a free port of this machine: its API, and pushes to its repositories."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.programs import GITEA, built, module_folder

OWNER = "dana"
PASSWORD = "a-password-of-the-tests-1"
STATIC = ("templates", "options", "public")
CONFIG = """\
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {folder}/static
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[service]
DISABLE_REGISTRATION = true
[log]
LEVEL = Warn
"""


@dataclass(frozen=True)
class Gitea:
    """`folder` is for working copies of its repositories."""

    port: int
    folder: Path

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that answers a request of its owner."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Basic {login()}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def repository(self, owner: str, name: str) -> "Working":
        """A new repository of an organization, which is made where there is none, with a working copy."""
        try:
            self.api("GET", f"/orgs/{owner}")
        except urllib.error.HTTPError:
            self.api("POST", "/orgs", {"username": owner})
        self.api("POST", f"/orgs/{owner}/repos", {"name": name, "default_branch": "main"})
        work = Working(self, f"{owner}/{name}", self.folder / f"{owner}-{name}")
        work.folder.mkdir()
        work.git("init", "-q", "-b", "main")
        work.git(
            "remote", "add", "origin", f"http://{OWNER}:{PASSWORD}@127.0.0.1:{self.port}/{work.name}.git"
        )
        return work


@dataclass(frozen=True)
class Working:
    """A working copy of a repository of Gitea."""

    gitea: Gitea
    name: str
    folder: Path

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com")
        done = subprocess.run(
            ["git", *who, *args], cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        """A new commit, by its id."""
        (self.folder / "file").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "HEAD")

    def hook(self, url: str, secret: str) -> None:
        """Let Gitea send pushes there; the only webhook."""
        hooks = f"/repos/{self.name}/hooks"
        for each in self.gitea.api("GET", hooks):
            self.gitea.api("DELETE", f"{hooks}/{each['id']}")
        config = {"url": url, "content_type": "json", "secret": secret}
        events = ["push", "create", "delete"]
        self.gitea.api("POST", hooks, {"type": "gitea", "active": True, "events": events, "config": config})


def login() -> str:
    return base64.b64encode(f"{OWNER}:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A Gitea with an administrator."""
    with tempfile.TemporaryDirectory(prefix="towpath-gitea-") as place, served(Path(place)) as port:
        yield Gitea(port, tmp_path_factory.mktemp("working"))


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port of a Gitea whose files are in `folder`. It refuses to run as root."""
    program, source = folder / "gitea", module_folder(GITEA)
    shutil.copy(built(GITEA), program)
    for name in STATIC:
        shutil.copytree(source / name, folder / "static" / name, copy_function=shutil.copyfile)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "nobody" if os.geteuid() == 0 else None
    config = folder / "app.ini"
    config.write_text(CONFIG.format(user=user or os.environ.get("USER", "git"), folder=folder, port=port))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
        if user:
            shutil.chown(path, user)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [str(program), "--config", str(config)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "web"], cwd=folder, env=environ, user=user, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait(process, port, folder / "log")
        account = ("--username", OWNER, "--password", PASSWORD, "--email", "dana@example.com")
        create = [*command, "admin", "user", "create", *account, "--admin", "--must-change-password=false"]
        subprocess.run(
            create, cwd=folder, env=environ, user=user, check=True, capture_output=True, timeout=120
        )
        yield port
    finally:
        process.terminate()
        process.wait(60)


def wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Until it answers."""
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"Gitea did not start: {log.read_text()[-3000:]}")
