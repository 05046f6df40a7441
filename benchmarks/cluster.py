"""What measurements on a cluster share: temporary namespaces, and the engines to compare with."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.kubernetes import Cluster, connect
from towpath.errors import TowpathError
from towpath.local.programs.golang import BUILD_ENVIRONMENT, find_go, required_version
from towpath.local.programs.tools import require
from towpath.objects import Manifest
from towpath.settings import Settings

PEERS = Path(__file__).parent / "peers"
READY_SECONDS = 30.0


@dataclass(frozen=True)
class Bench:
    """A cluster to measure on, and the programs to measure."""

    kubeconfig: str
    kubectl: Path
    flux: Path

    @classmethod
    def open(cls) -> "Bench":
        """The local stack's cluster, or KUBECONFIG's; Flux's engine is built from its Go module first."""
        settings = Settings.load(os.environ)
        if not settings.kubeconfig:
            sys.exit("No cluster: run `towpath local up` first, or set KUBECONFIG.")
        try:
            return cls(settings.kubeconfig, require("kubectl", settings), _build_flux(settings))
        except TowpathError as error:
            sys.exit(str(error))

    def connect(self) -> Cluster:
        """A new connection without cached discovery."""
        return connect(self.kubeconfig)

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """An empty namespace; it is deleted afterwards with everything in it."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        self.run_kubectl("create", "namespace", name)
        try:
            self._wait_furnished(name)
            yield name
        finally:
            self.run_kubectl("delete", "namespace", name)

    def run_kubectl(self, *arguments: str | Path, codes: Sequence[int] = (0,)) -> float:
        """Seconds of a whole kubectl process; it must end with one of `codes`."""
        return _seconds([self.kubectl, "--kubeconfig", self.kubeconfig, *arguments], codes)[0]

    def run_flux(self, *files: Path, mode: str = "apply", concurrency: int = 4, rounds: int = 1) -> "Flux":
        """Flux's engine on `files`, in one process: peers/main.go."""
        options = [f"-mode={mode}", f"-concurrency={concurrency}", f"-repeat={rounds}"]
        whole, output = _seconds([self.flux, f"-kubeconfig={self.kubeconfig}", *options, *files])
        engine = [float(each["seconds"]) for each in json.loads(output)]
        return Flux(engine, whole - sum(engine))

    def _wait_furnished(self, name: str) -> None:
        """Wait until the controllers have created what every namespace gets, so that it is not measured."""
        deadline = time.monotonic() + READY_SECONDS
        cluster = self.connect()
        while not (cluster.list("", "ServiceAccount", name) and cluster.list("", "ConfigMap", name)):
            if time.monotonic() > deadline:
                sys.exit(f"namespace {name} has no service account after {READY_SECONDS:.0f} s")
            time.sleep(0.1)


@dataclass(frozen=True)
class Flux:
    """Seconds inside the engine, a round each, and of the process around them."""

    rounds: list[float]
    start: float


def write(path: Path, objects: Sequence[Manifest], namespace: str) -> Path:
    """The objects as a file that every engine reads."""
    items = [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in objects]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def _build_flux(settings: Settings) -> Path:
    """Go's own cache makes this quick when nothing has changed."""
    go, _ = find_go(required_version((PEERS / "go.mod").read_text()))
    program = settings.cache / "benchmarks" / "peers"
    print("building benchmarks/peers from its Go module ...", file=sys.stderr)
    subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-o", program, "."],
        cwd=PEERS,
        env={**os.environ, **BUILD_ENVIRONMENT},
        check=True,
    )
    return program


def _seconds(command: Sequence[str | Path], codes: Sequence[int] = (0,)) -> tuple[float, str]:
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begin
    if done.returncode not in codes:
        sys.exit(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return taken, done.stdout
