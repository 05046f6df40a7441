"""Read-only probes of this machine."""

import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError, TransientError
from towpath.local.common.http import request
from towpath.local.common.system import effective_user
from towpath.local.programs import debian, tools
from towpath.local.programs.checks import Machine
from towpath.settings import Settings

TIMEOUT = 10.0
"""Seconds within which a program or server must answer."""
VERSION_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "kubectl": ("version", "--client"),
    "kustomize": ("version",),
    "helm": ("version", "--short"),
    "busybox": (),
    "bridge": (),
    "host-local": (),
    "portmap": (),
    "loopback": (),
}
"""Program -> arguments that print its version, when not `--version`."""


def examine_machine(settings: Settings) -> Machine:
    """The facts of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        system=platform.system(),
        uid=effective_user(),
        obstacle=debian.obstacle(
            platform.system(), effective_user(), has_apt=shutil.which("apt-get") is not None
        ),
        memory=memory,
        disk=shutil.disk_usage(_existing(settings.cache)).free,
        cgroup=_cgroup(),
        built=tools.is_here("kubernetes", settings),
    )


def path_and_version(program: str, settings: Settings) -> tuple[Path | None, str | None]:
    """The path of a program and the first version number in its output; None for what is unknown."""
    path = tools.find(program, settings)
    return path, program_version(path) if path else None


def program_version(path: Path) -> str | None:
    """The first version number in a program's output; None when it prints none."""
    arguments = VERSION_ARGUMENTS.get(path.name, ("--version",))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CNI_")}
    try:
        answer = run([path, *arguments], env=environment, timeout=TIMEOUT, codes=range(256))
    except (CommandError, MissingPartError):
        return None
    # A network plugin also prints the versions of its protocol.
    match = re.search(
        r"^(?!.*protocol).*?\bv?(\d+\.\d+(\.\d+)?[\w.+~-]*)", answer.stdout + answer.stderr, re.MULTILINE
    )
    return match.group(1) if match else None


def docker_version(host: str) -> str | None:
    """The version of the Docker Engine that answers at a `unix://` or `tcp://` address."""
    scheme, _, address = host.partition("://")
    url = f"unix://{address}:/version" if scheme == "unix" else f"http://{_with_port(address)}/version"
    try:
        return str(request("GET", url, timeout=TIMEOUT).json()["Version"])
    except (TransientError, ValueError, KeyError, TypeError):
        return None


def _with_port(address: str) -> str:
    return address if re.search(r":\d+$", address) else f"{address}:2375"


def server_version(url: str | None) -> str | None:
    """The version of the Prefect server that answers at that API address."""
    if not url or not url.startswith(("http://", "https://")):
        return None
    try:
        reply = request("GET", f"{url.rstrip('/')}/admin/version", timeout=TIMEOUT)
        return str(reply.json()) if reply.ok else None
    except (TransientError, ValueError):
        return None


def package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cgroup(root: Path = Path("/sys/fs/cgroup")) -> int:
    if (root / "cgroup.controllers").is_file():
        return 2
    return 1 if (root / "memory").is_dir() or (root / "cpu").is_dir() else 0


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
