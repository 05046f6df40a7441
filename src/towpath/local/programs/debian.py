"""Installs Debian packages: container runtime, engine, network plugins, registry.

One `apt-get install` for everything missing, without recommended packages and without starting a service.
A package counts as present when its programs are, wherever they came from.
"""

import os
import platform
import re
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.process import CommandError, run
from towpath.errors import BuildError, MissingPartError, TransientError
from towpath.local.common.lock import locked
from towpath.local.common.system import effective_user
from towpath.progress import Progress
from towpath.settings import Settings

FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Folders searched after PATH, which often lacks the sbin folders."""
WAY_OUT = (
    "Or bring your own: a cluster by KUBECONFIG, a registry by --registry, a Docker Engine by DOCKER_HOST; "
    "then nothing of this is needed."
)
_APT_TIMEOUT = 1800.0
_POLICY = Path("/usr/sbin/policy-rc.d")
_OUR_POLICY = "#!/bin/sh\n# Written by `towpath local up` for the time of one installation.\nexit 101\n"
# Debian's busybox and busybox-static replace each other: dependencies accept either.
_MAY_GO = frozenset({"busybox"})


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """A package and the programs needed from it.

    `folders`: where they are, when not on PATH. `check`: whether a program is of the required kind.
    """

    package: str
    programs: tuple[str, ...]
    folders: tuple[str, ...] = ()
    check: Callable[[Path], bool] | None = None

    def find(self, program: str) -> Path | None:
        """The path of a program of the package; None when it is missing."""
        if not self.folders:
            return find(program)
        path = shutil.which(program, path=os.pathsep.join(self.folders))
        return Path(path) if path else None

    def missing(self) -> list[str]:
        """Its programs that this machine lacks."""
        return [name for name in self.programs if not self._has(name)]

    def _has(self, name: str) -> bool:
        path = self.find(name)
        return path is not None and (self.check is None or self.check(path))


def find(program: str) -> Path | None:
    """The path of a program, on PATH or in FOLDERS; None when it is missing."""
    path = shutil.which(program) or shutil.which(program, path=os.pathsep.join(FOLDERS))
    return Path(path) if path else None


def ensure(packages: Sequence[DebianPackage], settings: Settings, progress: Progress) -> None:
    """Install the packages whose programs are missing; MissingPartError where that is not possible."""
    if not missing(packages):
        return
    names = ", ".join(missing(packages))
    with progress.step(f"install Debian packages: {names}") as step:
        refuse_if_impossible(packages)
        with locked(settings.cache / "tools" / ".apt.lock", step.note):
            wanted = missing(packages)
            if not wanted:
                step.result("installed by another run meanwhile")
                return
            install(list(wanted), step.note)
        if remaining := missing(packages):
            raise MissingPartError(f"{describe(remaining)} still missing after installing", remedy=WAY_OUT)


def missing(packages: Sequence[DebianPackage]) -> dict[str, list[str]]:
    """Package -> its programs that this machine lacks."""
    return {package.package: lacks for package in packages if (lacks := package.missing())}


def describe(lacks: dict[str, list[str]]) -> str:
    """`dockerd (package docker.io), runc`."""
    return ", ".join(
        name if [name] == programs else f"{', '.join(programs)} (package {name})"
        for name, programs in lacks.items()
    )


def refuse_if_impossible(packages: Sequence[DebianPackage]) -> None:
    """Raise MissingPartError when this machine cannot install packages, saying what to do instead."""
    reason = obstacle(platform.system(), effective_user(), has_apt=shutil.which("apt-get") is not None)
    lacks = missing(packages)
    if lacks and reason:
        raise MissingPartError(
            f"this machine lacks {describe(lacks)}, and {reason}", remedy=f"{hint(lacks, reason)} {WAY_OUT}"
        )


def obstacle(system: str, uid: int, *, has_apt: bool) -> str | None:
    """Why packages cannot be installed here; None when they can."""
    if system != "Linux":
        return f"they exist for Linux only, not for {system}"
    if not has_apt:
        return "there is no apt-get to install them with"
    if uid != 0:
        return "only root may install them"
    return None


def hint(lacks: dict[str, list[str]], reason: str) -> str:
    """How to get what is missing, in one sentence."""
    if "root" in reason:
        return (
            f"Run this as root, or let root run: apt-get install --no-install-recommends {' '.join(lacks)}."
        )
    if "Linux" in reason:
        return "Use a Linux machine (a virtual one will do)."
    return "Install the programs with your distribution's package manager."


def install(packages: Sequence[str], tell: Callable[[str], None]) -> None:
    """Install packages with apt-get, as root, leaving every service stopped."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    options = [
        "-o",
        "DPkg::Lock::Timeout=300",
        "-o",
        "APT::Install-Recommends=false",
        "-o",
        "Dpkg::Use-Pty=0",
    ]

    def apt(*arguments: str) -> str:
        command = ["apt-get", *options, *arguments]
        return run(command, env=environment, timeout=_APT_TIMEOUT, on_line=tell).stdout

    try:
        apt("update")
        if removed := removals(apt("install", "--simulate", *packages)) - _MAY_GO:
            raise MissingPartError(
                f"installing {', '.join(packages)} would remove {', '.join(sorted(removed))}; not done",
                remedy=f"Install the missing programs by hand. {WAY_OUT}",
            )
        with services_stay_stopped():
            apt("install", "--yes", *packages)
    except CommandError as error:
        if re.search(
            r"Temporary failure|Could not (resolve|connect)|Failed to fetch|Unable to connect", error.output
        ):
            raise TransientError(
                f"Debian packages cannot be downloaded: {error}", remedy=f"Try again later. {WAY_OUT}"
            ) from error
        raise BuildError(f"Debian packages cannot be installed: {error}", remedy=WAY_OUT) from error


def removals(simulation: str) -> set[str]:
    """The packages that `apt-get install --simulate` would remove."""
    return set(re.findall(r"^Remv (\S+)", simulation, re.MULTILINE))


@contextmanager
def services_stay_stopped(policy: Path = _POLICY) -> Iterator[None]:
    """Prevent Debian's maintainer scripts from starting services, by a `policy-rc.d` that refuses.

    A `policy-rc.d` that exists is kept beside it and restored; after a killed run, the next run restores it.
    """
    backup = policy.with_name(policy.name + ".before-towpath")
    _restore(policy, backup)
    if policy.exists() or policy.is_symlink():
        policy.rename(backup)
    policy.write_text(_OUR_POLICY)
    policy.chmod(0o755)
    try:
        yield
    finally:
        _restore(policy, backup)


def _restore(policy: Path, backup: Path) -> None:
    if policy.is_file() and policy.read_text(errors="replace") == _OUR_POLICY:
        policy.unlink()
    if backup.exists() or backup.is_symlink():
        backup.rename(policy)


def is_static(program: Path) -> bool:
    """Whether this is a 64-bit little-endian ELF program without libraries (for images `FROM scratch`)."""
    interpreter = 3
    with program.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
            return False
        offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * count)
    return all(struct.unpack_from("<I", table, at)[0] != interpreter for at in range(0, len(table), size))
