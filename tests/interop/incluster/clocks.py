"""The clock of an agent's pod is minutes off: every program in it is told another time of day."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.pods.site import HOME, Site

NAME, PRELOAD = "another-clock", "/etc/ld.so.preload"
SOURCE = """\
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    int done = syscall(SYS_clock_gettime, id, at);
    if (!done && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += AHEAD;
    return done;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    if (at) { at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000; }
    return done;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
NOW = ("python", "-c", "import time; print(time.time())")


@contextmanager
def another_clock(site: Site, agent: str, ahead: int) -> Iterator[None]:
    """The pod of the agent that works has a clock that is `ahead` by so many seconds."""
    deployment = f"towpath-agent-{agent}"
    library, name = base64.b64encode(_library(ahead)).decode(), f"{NAME}-{agent}"
    preload = base64.b64encode(b"/clock/clock.so\n").decode()
    site.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": HOME},
            "binaryData": {"clock.so": library, "preload": preload},
        }
    )
    where = ("--namespace", HOME)
    live = site.cluster.get("deployment", deployment, *where)["spec"]["template"]["spec"]
    (container,) = live["containers"]
    mounts = [
        {"name": NAME, "mountPath": "/clock"},
        {"name": NAME, "mountPath": PRELOAD, "subPath": "preload"},
    ]
    volumes = [*live["volumes"], {"name": NAME, "configMap": {"name": name}}]
    _replace(site, deployment, volumes, [*container["volumeMounts"], *mounts])
    try:
        for pod in site.pods("agent"):
            if pod["metadata"]["labels"]["towpath.dev/agent-of"] == agent:
                assert abs(_off(site, pod["metadata"]["name"]) - ahead) < 60
        yield
    finally:
        _replace(site, deployment, live["volumes"], container["volumeMounts"])


def _replace(site: Site, deployment: str, volumes: object, mounts: object) -> None:
    at = "/spec/template/spec"
    patch = [
        {"op": "replace", "path": f"{at}/volumes", "value": volumes},
        {"op": "replace", "path": f"{at}/containers/0/volumeMounts", "value": mounts},
    ]
    where, change = ("--namespace", HOME), ("--type=json", f"--patch={json.dumps(patch)}")
    site.cluster.kubectl("patch", "deployment", deployment, *where, *change)
    site.cluster.kubectl("rollout", "status", "deployment", deployment, *where, "--timeout=300s")
    pods = ("pods", *where, f"--selector=towpath.dev/agent-of={deployment.removeprefix('towpath-agent-')}")
    site.until(lambda: len(site.cluster.get(*pods)["items"]) == 1, "the new one is alone", 300)


def _library(ahead: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="towpath-clock-") as name:
        source, made = Path(name) / "clock.c", Path(name) / "clock.so"
        source.write_text(SOURCE)
        command = ["gcc", "-shared", "-fPIC", "-O2", f"-DAHEAD={ahead}", "-o", str(made), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        return made.read_bytes()


def _off(site: Site, pod: str) -> float:
    inside = site.cluster.kubectl("exec", "--namespace", HOME, pod, "--", *NOW)
    return float(inside) - float(site.cluster.run(*("python3", *NOW[1:])).stdout)
