"""BuildKit without root, of a test's own: as a user without rights, in namespaces that rootlesskit makes."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.interop.programs import BUILDCTL, BUILDKITD, ROOTLESS, built
from tests.ports import free_port
from towpath.adapters.images.buildkit import BuildKit
from towpath.errors import TowpathError
from towpath.local.parts.certificates import Subject, ensure_certificates
from towpath.local.programs import debian
from towpath.progress import progress_on
from towpath.settings import Settings

ACCOUNT = 65534
"""Debian's `nobody`, who owns nothing."""
SUBORDINATE = "nobody:1000000:65536"
TLS = {"cacert": "ca.crt", "cert": "tls.crt", "key": "tls.key"}
SECONDS = 120.0


@contextmanager
def buildkit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BuildKit]:
    """A server at a socket in `folder`, which others may reach, and its client, with its cache there."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it gives a user subordinate ids, and becomes that user")
    debian.ensure(ROOTLESS, Settings.load(os.environ), progress_on())
    client = built(BUILDCTL).parent
    folder.chmod(0o711)
    programs, home = folder / "bin", folder / "home"
    programs.mkdir()
    home.mkdir()
    os.chown(home, ACCOUNT, ACCOUNT)
    shutil.copy(built(BUILDKITD), programs / "buildkitd")
    (programs / "buildctl").symlink_to(client / "buildkit")
    socket, address = home / "buildkitd.sock", f"127.0.0.1:{free_port()}"
    _certificates(folder, home)
    with _subordinate_ids(), _server(programs, home, folder / "log", (str(socket), address)) as process:
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        server = BuildKit(f"unix://{socket}", folder / "cache")
        end = time.monotonic() + SECONDS
        while True:
            try:
                server.version()
                break
            except TowpathError as error:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, error
                time.sleep(0.5)
        yield replace(server, host=f"tcp://{address}", tls=folder / "client")


def _certificates(folder: Path, home: Path) -> None:
    """Those of the server, in its home, and of two clients: `client`, and `other` of another authority."""
    known = {"server": Subject("buildkit", hosts=("127.0.0.1",)), "client": Subject("agent")}
    ours, others = folder / "authority", folder / "other-authority"
    for each in (ours, others):
        ensure_certificates(each, known)
    for place, made, name in (
        (home, ours, "server"),
        (folder / "client", ours, "client"),
        (folder / "other", others, "client"),
    ):
        place.mkdir(exist_ok=True)
        shutil.copy(ours / "ca.crt", place / "ca.crt")
        for ending in ("crt", "key"):
            shutil.copy(made / f"{name}.{ending}", place / f"tls.{ending}")
    for each in home.iterdir():
        os.chown(each, ACCOUNT, ACCOUNT)


@contextmanager
def _server(
    programs: Path, home: Path, log: Path, addresses: tuple[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [
        *("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"),
        *("rootlesskit", "--net=host", "--copy-up=/etc", "--copy-up=/run", str(programs / "buildkitd")),
        *(f"--addr=unix://{addresses[0]}", f"--addr=tcp://{addresses[1]}"),
        *(f"--tls{name}={home / file}" for name, file in TLS.items()),
        *(f"--root={home / 'data'}", "--oci-worker-no-process-sandbox"),
    ]
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "USER": "nobody"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=own, cwd=home, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


@contextmanager
def _subordinate_ids() -> Iterator[None]:
    """Those of the account, in /etc/subuid and /etc/subgid, while it is entered."""
    before = {path: path.read_text() for path in (Path("/etc/subuid"), Path("/etc/subgid"))}
    try:
        for path, text in before.items():
            path.write_text(f"{text.rstrip()}\n{SUBORDINATE}\n".lstrip())
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)
