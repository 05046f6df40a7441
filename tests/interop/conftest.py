"""The real cosign, and two registries: Debian's, which has no referrers API, and one that has."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.programs import COSIGN, REFERRERS, built
from tests.interop.stores import Stores, running_stores
from tests.own_registry import own_registry


class Cosign:
    """cosign in a folder of its own, offline."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COSIGN_PASSWORD": ""}
        command = [str(self.program), *args]
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    def must(self, *args: str) -> None:
        done = self.run(*args)
        assert done.returncode == 0, done.stderr

    def accepts(self, image: str, pem: str, predicate_type: str) -> bool:
        """Whether `cosign verify-attestation` accepts evidence of the image by the key."""
        (self.folder / "key.pem").write_text(pem)
        options = ("--key", "key.pem", "--insecure-ignore-tlog", "--type", predicate_type)
        return self.run("verify-attestation", *options, image).returncode == 0


@contextmanager
def registry_with_referrers() -> Iterator[str]:
    """A registry in memory that lists referrers by itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen([built(REFERRERS), address]) as process:
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://{address}/v2/", timeout=1)
                    break
                except OSError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="session", params=["Debian's registry", "a registry with the referrers API"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of each registry in turn."""
    debian = request.param.startswith("Debian")
    folder = tmp_path_factory.mktemp("registry")
    with own_registry(folder) if debian else registry_with_referrers() as address:
        yield address


@pytest.fixture(scope="session")
def cosign_program() -> Path:
    return built(COSIGN)


@pytest.fixture
def cosign(cosign_program: Path, tmp_path: Path) -> Cosign:
    return Cosign(cosign_program, tmp_path)


@pytest.fixture(scope="session")
def stores() -> Iterator[Stores]:
    with running_stores() as made:
        yield made
