"""The first process of a cluster with pods: it starts all parts inside of namespaces that end with it.

Run by cluster.py: `unshare --net --mount --pid … python -m tests.interop.pods.inside FOLDER`.
"""

import contextlib
import ipaddress
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.interop.pods.configuration import (
    DNS,
    PROXY,
    apiserver_options,
    corefile,
    kube_proxy,
    mirror,
    registry,
)
from tests.interop.pods.layout import PodsLayout
from tests.interop.programs import COREDNS, built
from towpath.errors import TransientError
from towpath.local.common.files import read_json, write_json
from towpath.local.common.stack import NODE, Stack
from towpath.local.lifecycle.processes import create_cgroups
from towpath.local.parts import readiness
from towpath.local.parts.certificates import Subject, ensure_certificates, subjects
from towpath.local.parts.cluster import CLUSTER
from towpath.local.parts.component import program
from towpath.local.parts.configuration import kubeconfig, write_configuration
from towpath.local.parts.images import import_pause_image
from towpath.local.parts.network import create_bridge

READY_SECONDS = 600.0
PATIENCE = 20.0
"""Seconds for an answer of a part, on a machine that has other things to do."""


def main(folder: Path) -> None:
    """Everything up, `ready` written, and then nothing but burying children."""
    layout = PodsLayout(folder)
    stack = layout.stack()
    readiness.TIMEOUT = PATIENCE
    environment = {**os.environ, "PATH": stack.search_path}
    _configure(layout, stack)
    _network(layout, stack)
    _start(
        layout, "registry", (program(stack, "docker-registry"), "serve", str(layout.registry)), environment
    )
    _start(layout, "git", (sys.executable, "-m", "tests.interop.pods.git_server", str(folder)), environment)
    for make in CLUSTER:
        component = make(stack)
        command = component.command
        if component.name == "kube-apiserver":
            command = apiserver_options(command)
        if component.name == "kubelet":
            import_pause_image(stack)
        _start(layout, component.name, command, {**environment, **component.environment})
        _await(stack, component)
        if component.name == "kube-apiserver":
            _start(
                layout, "kube-proxy", (program(stack, "kube-proxy"), f"--config={layout.proxy}"), environment
            )
            _start(layout, "coredns", (str(built(COREDNS)), f"-conf={layout.corefile}"), environment)
    layout.ready.write_text("ready")
    while True:  # whatever loses its parent is a child of this process
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
            continue
        time.sleep(1)


def _configure(layout: PodsLayout, stack: Stack) -> None:
    service = str(next(ipaddress.ip_network(stack.service_range).hosts()))
    stack.layout.create()
    own = {
        "box": Subject("box", hosts=(stack.gateway,)),
        PROXY: Subject("system:kube-proxy"),
        DNS: Subject("coredns", ("system:masters",)),
    }
    ensure_certificates(stack.layout.credentials / "pki", {**subjects(NODE, stack.gateway, service), **own})
    write_configuration(stack)
    options = read_json(stack.layout.run / "kubelet.json")
    options |= {"clusterDNS": [stack.gateway], "clusterDomain": "cluster.local"}
    write_json(stack.layout.run / "kubelet.json", options)
    for name in (PROXY, DNS):
        write_json(layout.kubeconfig(name), kubeconfig(stack, name))
    (stack.layout.run / "containerd" / "certs.d" / stack.registry / "hosts.toml").write_text(mirror(stack))
    write_json(layout.registry, registry(layout, stack))
    write_json(layout.proxy, kube_proxy(layout, stack))
    layout.corefile.write_text(corefile(layout, stack))


def _network(layout: PodsLayout, stack: Stack) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    create_bridge(stack)
    # Addresses of Services are translated after a route was found for them.
    subprocess.run(["ip", "route", "add", "default", "dev", stack.layout.bridge], check=True)
    create_cgroups(stack.layout)


def _start(layout: PodsLayout, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
    log = (layout.folder / "log" / f"{name}.log").open("w")
    subprocess.Popen(command, env=dict(environment), stdout=log, stderr=log, start_new_session=True)


def _await(stack: Stack, component: object) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            component.ready(stack)  # type: ignore[attr-defined]
        except TransientError as error:
            if time.monotonic() > end:
                sys.exit(f"{component.name} is not ready: {error}")  # type: ignore[attr-defined]
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(Path(sys.argv[1]))
