"""What goes wrong around Towpath while it works: each is a block in which it happens."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from tests.interop.pods.measures import processes_of
from tests.interop.pods.site import HOME, Site

AWAY = float(os.environ.get("TOWPATH_GIT_AWAY") or 60.0)
"""Seconds for which the Git server answers nothing."""
SLOW, STOPPED, ANSWERS = 30.0, 0.8, 0.2
"""For so many seconds the API server is stopped and let go, again and again."""
Fault = Callable[[Site], AbstractContextManager[None]]


@contextmanager
def killed(component: str, site: Site) -> Iterator[None]:
    """All processes of one of its pods are killed; its containers are started again.

    The pod is not deleted by force: then a StatefulSet may have two databases write to one volume.
    """
    for process in processes_of(site.pods(component)[0]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    yield


@contextmanager
def evicted(agent: str, site: Site) -> Iterator[None]:
    """The node of an agent is drained: its pod is told to end, and the Deployment makes another one."""
    selector = f"--selector=towpath.dev/agent-of={agent}"
    (pod,) = site.cluster.get("pods", "--namespace", HOME, selector)["items"]
    name = pod["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": HOME},
    }
    path = f"/api/v1/namespaces/{HOME}/pods/{name}/eviction"
    site.cluster.kubectl("create", "--raw", path, "--filename=-", text=json.dumps(eviction))
    yield


@contextmanager
def git_away(site: Site) -> Iterator[None]:
    """Connections to the Git server are taken, and nobody answers."""
    pid = process_of(site, "tests.interop.pods.git_server")
    os.kill(pid, signal.SIGSTOP)
    goes_on = threading.Timer(AWAY, os.kill, (pid, signal.SIGCONT))
    goes_on.start()
    try:
        yield
    finally:
        goes_on.join()


@contextmanager
def slow_api_server(site: Site) -> Iterator[None]:
    """The Kubernetes API server answers a fifth of the time."""
    pid = process_of(site, "kube-apiserver")
    end = time.monotonic() + SLOW

    def hinder() -> None:
        while time.monotonic() < end:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(STOPPED)
            os.kill(pid, signal.SIGCONT)
            time.sleep(ANSWERS)

    hindering = threading.Thread(target=hinder)
    hindering.start()
    try:
        yield
    finally:
        hindering.join()


def process_of(site: Site, named: str) -> int:
    """The part of this cluster that is that program or module, by its command line."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = each.read_bytes().decode(errors="replace").split("\0")
            of_cluster = any(str(site.cluster.layout.folder) in argument for argument in command)
            if of_cluster and named in (Path(command[0]).name, *command[1:3]):
                return int(each.parent.name)
    raise AssertionError(f"no process of {named}")


@contextmanager
def deletions(site: Site, environment: str, service: str) -> Iterator[list[int]]:
    """Somebody deletes a Service by hand, again and again: its agent heals. How often, in the end."""
    enough, done = threading.Event(), [0]

    def delete() -> None:
        where = ("--namespace", environment, "--request-timeout=20s", "--wait=false")
        while not enough.wait(5):
            done[0] += site.cluster.run("kubectl", "delete", "service", service, *where).returncode == 0

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        yield done
    finally:
        enough.set()
        deleting.join()


FAULTS: dict[str, Fault] = {
    "a server replica is killed": partial(killed, "server"),
    "PostgreSQL is killed": partial(killed, "database"),
    "Redis is killed": partial(killed, "redis"),
    "the agent's node is drained": partial(evicted, "dev"),
    "the API server is slow": slow_api_server,
    "the Git server is away": git_away,
}
