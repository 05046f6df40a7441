"""`towpath local down`: stops every part in an order in which each can end cleanly, and removes all traces.

It works without supervisord too: processes are found by mark and cgroup, mounts and links by path.
"""

import contextlib
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from towpath.errors import TerminalError, TransientError
from towpath.local.common.layout import Layout
from towpath.local.common.ports import holder_text, is_busy
from towpath.local.common.stack import POOLS, Stack
from towpath.local.lifecycle.processes import (
    container_processes,
    end_processes,
    marked_processes,
    remove_cgroups,
)
from towpath.local.lifecycle.supervisor import Supervisor
from towpath.local.parts import network
from towpath.local.parts.components import components
from towpath.local.users import passwd, ways
from towpath.progress import Progress

ORDER: tuple[tuple[str, ...], ...] = (
    (
        *("kubelet", "kube-scheduler", "kube-controller-manager"),
        *(f"agent-{pool}" for pool in POOLS),
    ),
    ("prefect-server", "containers", "docker", "registry", "fork-server"),
    ("containerd", "kube-apiserver"),
    ("etcd",),
)
"""Groups of parts in stopping order. Without kubelet no pod restarts; containerd ends after containers."""
CONTAINER_LINKS = Path("/var/log/containers")
"""kubelet links the containers' logs here, whatever its configuration says."""


def down(stack: Stack, progress: Progress, *, purge: bool) -> None:
    """Stop the stack; `purge` removes its data too. The caller holds the lock."""
    stack.layout.settings.unlink(missing_ok=True)
    supervisor = Supervisor(stack)
    supervised = supervisor.is_up()
    was_up = supervised or bool(marked_processes(stack.layout))
    if supervised:
        for wave in ORDER:
            with progress.step(f"stop {', '.join(wave)}"):
                _stop(stack, wave)
        supervisor.shutdown()
    with progress.step("clean up"):
        sweep(stack.layout)
        if was_up:
            _await_free(stack)
    if purge:
        with progress.step("remove the data"):
            for entry in stack.layout.root.iterdir() if stack.layout.root.exists() else ():
                if entry not in (stack.layout.lock, stack.layout.opened):
                    _remove(entry)
        if made := passwd.users(stack.layout):
            with progress.step(f"remove {len(made)} users"):
                ways.close_ways(stack.layout, [user.uid for user in made.values()])
                passwd.remove_users(stack.layout)
        stack.layout.opened.unlink(missing_ok=True)


def _stop(stack: Stack, names: Iterable[str]) -> None:
    def stop(name: str) -> None:
        if name == "containers":
            end_processes(container_processes(stack.layout), within=2.0)
            return
        # If supervisord ends meanwhile, the sweep ends the remaining processes.
        with contextlib.suppress(TransientError):
            Supervisor(stack).stop_process(name)

    with ThreadPoolExecutor() as pool:
        list(pool.map(stop, names))


def sweep(layout: Layout) -> None:
    """End every process of the stack, and remove its mounts, interface, cgroups and run folder."""
    supervised = marked_processes(layout)
    end_processes(container_processes(layout), within=1.0)
    deadline = time.monotonic() + 30.0
    while supervised or container_processes(layout):
        end_processes(supervised, within=5.0)
        end_processes(container_processes(layout), within=0.0)
        supervised = marked_processes(layout)
        if time.monotonic() > deadline:
            remaining = sorted(supervised | container_processes(layout))
            raise TerminalError(f"these processes of the stack do not end: {remaining}")
    network.unmount_below(layout.root)
    network.delete_bridge(layout)
    network.restore_kernel_settings(layout)
    remove_cgroups(layout)
    _remove_links(layout)
    _remove(layout.run)


def _remove_links(layout: Layout) -> None:
    for link in CONTAINER_LINKS.glob("*.log") if CONTAINER_LINKS.is_dir() else ():
        if link.is_symlink() and link.readlink().is_relative_to(layout.root):
            link.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        if network.mounts_below(path):
            raise TerminalError(f"something is still mounted below {path}; not removed")
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _await_free(stack: Stack, within: float = 10.0) -> None:
    """Wait until the ports of this stack can be bound again; TerminalError after `within` seconds."""
    ports = [stack.port(name) for component in components(stack) for name in component.ports]
    deadline = time.monotonic() + within
    while taken := [number for number in ports if is_busy(number)]:
        if time.monotonic() > deadline:
            shown = ", ".join(f"{number}{holder_text(number)}" for number in taken)
            raise TerminalError(f"ports are still in use: {shown}")
        time.sleep(0.05)
