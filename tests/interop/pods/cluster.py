"""A Kubernetes with pods, Services and names, in namespaces of Linux of its own.

Network, mounts and processes are its own: its firewall rules, ports and mounts are nobody else's, and all of
it is gone as soon as its first process is killed. Programs that speak to it run in its network.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.interop.pods.layout import PodsLayout
from towpath.local.lifecycle.processes import cgroup_folders, remove_cgroups
from towpath.local.programs import tools
from towpath.settings import Settings

ROOT = Path(__file__).parents[3]
NEEDS = ("setpriv", "unshare", "nsenter", "ip")
START_SECONDS = 600.0


@dataclass(frozen=True)
class PodsCluster:
    """`process` is the first one inside, `environ` what its clients get."""

    layout: PodsLayout
    process: int
    environ: Mapping[str, str] = field(repr=False)

    def run(
        self,
        *command: str | Path,
        text: str | None = None,
        seconds: float = 600,
        environ: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """A program in the cluster's network; `environ` are further variables."""
        return subprocess.run(
            self.entering(*command),
            input=text,
            cwd=ROOT,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def entering(self, *command: str | Path) -> list[str]:
        """The command that runs a program in the cluster's network."""
        return ["nsenter", f"--net=/proc/{self.process}/ns/net", *map(str, command)]

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        done = self.run("kubectl", *arguments, text=text)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def apply(self, *objects: Mapping[str, Any]) -> None:
        self.kubectl("apply", "--filename=-", text="\n---\n".join(map(json.dumps, objects)))

    def pull(self, image: str) -> None:
        """Bring an image to the node."""
        run = self.layout.folder / "run" / "containerd"
        containerd = (f"--address={run / 'containerd.sock'}", "--namespace=k8s.io")
        done = self.run("ctr", *containerd, "images", "pull", f"--hosts-dir={run / 'certs.d'}", image)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr


@contextmanager
def pods_cluster(images: Path) -> Iterator[PodsCluster]:
    """Up within, gone afterwards. `images` is the folder of a registry's data."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a Kubernetes with pods of the test's own")
    if lacks := [each for each in NEEDS if not shutil.which(each)]:
        pytest.skip(f"needs {', '.join(lacks)}")
    layout = PodsLayout(Path(f"/tmp/towpath-pods-{os.getpid()}"))
    layout.folder.mkdir(mode=0o755)
    for folder in (layout.repositories, layout.volumes, layout.folder / "log"):
        folder.mkdir()
    layout.images.symlink_to(images)
    settings = Settings.load(os.environ)
    unshare = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "--mount", "--pid", "--mount-proc"]
    command = [
        *unshare,
        "--fork",
        "--kill-child",
        sys.executable,
        "-m",
        "tests.interop.pods.inside",
        str(layout.folder),
    ]
    path = f"{Path(sys.executable).parent}:{settings.tools}:{os.environ['PATH']}"
    with (layout.folder / "log" / "inside.log").open("w") as log:
        outer = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        process = _first_inside(outer, layout)
        own = {"PATH": path, "LANG": "C.UTF-8", "HOME": str(layout.folder)}
        own["KUBECONFIG"] = str(layout.kubeconfig("admin"))
        yield PodsCluster(layout, process, own)
    finally:
        _end(outer, layout)


def ensure_programs(progress: Any) -> None:
    """Build and install what is missing of the parts."""
    wanted = (*tools.CLUSTER, "registry", "busybox", "helm", "kustomize")
    tools.ensure_tools(wanted, Settings.load(os.environ), progress)


def _first_inside(outer: "subprocess.Popen[bytes]", layout: PodsLayout) -> int:
    end = time.monotonic() + START_SECONDS
    while not layout.ready.exists():
        assert outer.poll() is None, _told(layout)
        assert time.monotonic() < end, _told(layout)
        time.sleep(0.2)
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    return int(children[0])


def _told(layout: PodsLayout) -> str:
    logs: Sequence[Path] = sorted((layout.folder / "log").glob("*.log"))
    return "\n".join(f"== {each.name}\n{each.read_text(errors='replace')[-1500:]}" for each in logs)


def _end(outer: "subprocess.Popen[bytes]", layout: PodsLayout) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(outer.pid, signal.SIGKILL)  # takes the first process along, which takes all others
    outer.wait(60)
    end = time.monotonic() + 60
    while time.monotonic() < end:  # the kernel removes their mounts and cgroups when they have ended
        remove_cgroups(layout.stack().layout)
        with contextlib.suppress(OSError):
            shutil.rmtree(layout.folder)
        if not layout.folder.exists() and not list(cgroup_folders(layout.stack().layout)):
            break
        time.sleep(0.5)
