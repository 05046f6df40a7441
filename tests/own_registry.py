"""A real registry of a test's own: Debian's `docker-registry` on a free port of this machine."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def own_registry(folder: Path, **config: Mapping[str, Any]) -> Iterator[str]:
    """Its address (`127.0.0.1:port`) while it runs; `config` are further sections of its configuration."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("needs docker-registry: `towpath doctor --get` installs it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    content = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
        **config,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(json.dumps(content))
    command = [program, "serve", str(folder / "config.yml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(address)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=1)
        except urllib.error.HTTPError:
            return  # it wants a name and a password
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"no registry at {address}")
