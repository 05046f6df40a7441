"""A real leader that is stopped in the middle of its writes, on the real API server: nothing follows."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.world import World
from towpath.adapters.kubernetes import connect_lease
from towpath.agent.election import Election
from towpath.kube.lease import LeaseTimes
from towpath.settings import ClusterConnection

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux"),
]
PATIENCE = 120.0
TIMES = LeaseTimes(10)
WRITER = """
import functools, sys, threading, time
from towpath.adapters.kubernetes import connect, connect_lease
from towpath.agent.end_timer import EndTimer
from towpath.agent.leadership import Leadership
from towpath.agent.start import _leave, _tend
from towpath.agent.zygote import Order, keep
from towpath.errors import NotLeadingError
from towpath.fence import Fence, put_up
from towpath.kube.lease import LeaseTimes
from towpath.settings import ClusterConnection

kubeconfig, namespace, name, lasts = sys.argv[1:]
times = LeaseTimes(int(lasts))
if name.endswith("off"):
    EndTimer.set = lambda *_: None
fence = Fence()
put_up(fence)

def main(control):
    led = threading.Event()
    connection = ClusterConnection(kubeconfig, None, allow_exec=False)
    leases = connect_lease(connection, namespace, name, times.answer)
    Leadership(leases, fence, times, print, led=led.set, lost=functools.partial(_leave, print)).start()
    led.wait()
    control.send(Order("run", {}))
    time.sleep(900)

def run(order):
    cluster = connect(kubeconfig)
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}
    for number in range(10**6):
        try:
            cluster.server_side_apply({**made, "data": {"number": str(number)}})
        except NotLeadingError as error:
            print("refused:", error.message, flush=True)
            time.sleep(900)
        time.sleep(0.05)

sys.exit(keep(main, run, functools.partial(_tend, fence, EndTimer(), times)) & 255)
"""


def test_what_was_stopped_in_the_middle_of_its_writes_writes_nothing_when_it_goes_on(world: World) -> None:
    """Once ended by the kernel where it stands, and once, without that, by what each write asks."""
    with contextlib.ExitStack() as held:
        by_kernel, by_fence = (held.enter_context(Writer(world, name)) for name in ("timer-on", "timer-off"))
        for writer in (by_kernel, by_fence):
            until(lambda writer=writer: writer.number() > 5, "it leads, and writes")
            writer.stop()
        until(lambda: {writer.taken() for writer in (by_kernel, by_fence)} == {True}, "others lead")
        before = by_kernel.version(), by_fence.version()
        for writer in (by_kernel, by_fence):
            writer.go_on()
        assert (by_kernel.ended(), by_fence.ended()) == (-signal.SIGKILL, 1)
        assert (by_kernel.version(), by_fence.version()) == before
        assert "does not lead any more" in by_fence.said


def until(holds: Callable[[], bool], promise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, promise
        time.sleep(0.2)


class Writer:
    """An agent's three processes, of which one writes as fast as it can."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name, self.before, self.said = world, name, "", ""
        made = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name},
            "spec": {},
        }
        world.kubectl("create", "-f", "-", text=json.dumps(made))
        connection = ClusterConnection(str(world.kubeconfig), None, allow_exec=False)
        leases = connect_lease(connection, world.namespace, name, TIMES.answer)
        self._other = Election(leases, "other", TIMES)
        told = (str(world.kubeconfig), world.namespace, name, str(TIMES.lasts))
        command = [sys.executable, "-c", WRITER, *told]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def number(self) -> int:
        live = self.world.find("configmap", self.name)
        return int(live["data"]["number"]) if live else 0

    def version(self) -> str:
        return str(self.world.live("configmap", self.name)["metadata"]["resourceVersion"])

    def stop(self) -> None:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._stopped = [*map(int, children), self._process.pid]
        assert len(self._stopped) == 3
        for pid in self._stopped:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in self._stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def ended(self) -> int:
        self.said, _ = self._process.communicate(timeout=120)
        return self._process.returncode

    def taken(self) -> bool:
        """Whether somebody else leads: once nothing was renewed for as long as it lasts."""
        return self._other.leads or self._other.attempt() is not None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
