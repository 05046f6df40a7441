"""A Docker Engine of the tests' own, whose cache is kept, and a base image of Debian's packages."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from towpath.local.common.lock import locked
from towpath.local.programs import debian
from towpath.local.programs.debian import DebianPackage
from towpath.progress import progress_on
from towpath.settings import Settings

ROOT = Path(__file__).parents[2]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PROGRAMS = (
    DebianPackage("docker.io", ("dockerd",)),
    DebianPackage("containerd", ("containerd",)),
    DebianPackage("runc", ("runc",)),
    DebianPackage("mmdebstrap", ("mmdebstrap",)),
)
BASE = (
    *("mmdebstrap", "--variant=minbase"),
    "--include=ca-certificates,python3,python3-venv,usr-is-merged",
    "--aptopt=Acquire::Check-Valid-Until false",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "info", "locale", "man")),
    # Where TLS is taken apart on the way out, the machine knows by which authority.
    f"--customize-hook=upload {CERTIFICATES} {CERTIFICATES}",
    # Which needs Perl, and has done its work.
    "--customize-hook=chroot $1 apt-get --yes purge usrmerge perl libperl5.36 perl-modules-5.36",
    "--customize-hook=rm -rf $1/var/lib/apt/lists $1/var/cache/apt",
    "bookworm",
)
"""Not the usual slim image of Python, which no registry here has, but made as that one is: without texts."""


@dataclass(frozen=True)
class Engine:
    """Where it answers, and the base image that it holds."""

    host: str
    base: str

    def client(self) -> "docker.APIClient":
        return docker.APIClient(base_url=self.host, version="auto", timeout=3600)

    def run(self, image: str, *command: str, user: str | None = None, **host: Any) -> tuple[int, str]:
        """Exit code and output of a program in a container whose root file system is read-only."""
        with self.client() as client:
            limits = client.create_host_config(
                read_only=True,
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                **host,
            )
            made = client.create_container(image, list(command), user=user, host_config=limits)
            try:
                client.start(made)
                code = int(client.wait(made, timeout=300)["StatusCode"])
                return code, client.logs(made).decode()
            finally:
                client.remove_container(made, force=True, v=True)

    def layers(self, image: str) -> list[str]:
        with self.client() as client:
            found: list[str] = client.inspect_image(image)["RootFS"]["Layers"]
            return found

    def config(self, image: str) -> Mapping[str, Any]:
        with self.client() as client:
            found: Mapping[str, Any] = client.inspect_image(image)
            return found


def ensure_programs() -> None:
    """Install what is missing of them, where this machine can."""
    debian.ensure(PROGRAMS, Settings.load(os.environ), progress_on())


@contextmanager
def running_engine() -> Iterator[Engine]:
    """The engine, with the base image."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a Docker Engine of the tests' own")
    if lacks := debian.missing(PROGRAMS):
        pytest.skip(f"needs {debian.describe(lacks)}: `python -m tests.images.engine` installs it")
    kept = Settings.load(os.environ).cache / "interop"
    run = Path(f"/tmp/towpath-engine-{os.getpid()}")
    with locked(kept / "engine.lock", lambda _: None):
        run.mkdir()
        try:
            with served(kept / "docker", run) as host:
                yield Engine(host, base_image(host, kept))
        finally:
            shutil.rmtree(run, ignore_errors=True)


@contextmanager
def served(data: Path, run: Path) -> Iterator[str]:
    """The address of a dockerd that changes neither firewall nor interfaces."""
    host = f"unix://{run}/docker.sock"
    (run / "daemon.json").write_text("{}")
    command = [
        *(debian.find("dockerd") or "dockerd", f"--host={host}", f"--config-file={run}/daemon.json"),
        *(f"--data-root={data}", f"--exec-root={run}/exec", f"--pidfile={run}/docker.pid"),
        *(
            "--bridge=none",
            "--iptables=false",
            "--ip-forward=false",
            "--exec-opt=native.cgroupdriver=cgroupfs",
        ),
        *("--cgroup-parent=/towpath-interop", "--log-level=warn"),
    ]
    with (run / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 120
        while not answers(host):
            assert process.poll() is None and time.monotonic() < end, (run / "log").read_text()[-3000:]
            time.sleep(0.2)
        yield host
    finally:
        process.terminate()
        process.wait(60)


def answers(host: str) -> bool:
    try:
        with docker.APIClient(base_url=host, timeout=5) as client:
            return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False


def base_image(host: str, kept: Path) -> str:
    """The name of the base image; made once for each way of making it."""
    name = f"towpath-base:{hashlib.sha256(repr(BASE).encode()).hexdigest()[:12]}"
    with docker.APIClient(base_url=host, version="auto", timeout=600) as client:
        if client.images(name):
            return name
        tar = kept / "base.tar"
        done = subprocess.run([*BASE, tar], capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        repository, _, tag = name.partition(":")
        with tar.open("rb") as file:
            client.import_image_from_data(file, repository=repository, tag=tag, changes=['CMD ["python3"]'])
        tar.unlink()
    return name


if __name__ == "__main__":
    ensure_programs()
