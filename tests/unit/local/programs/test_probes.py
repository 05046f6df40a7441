import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from towpath.local.common.ports import is_busy
from towpath.local.programs import probes
from towpath.settings import Settings


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {"/version": b'{"Version": "20.10.24"}', "/api/admin/version": b'"3.8.8"'}
        self.send_response(200 if self.path in pages else 404)
        self.end_headers()
        self.wfile.write(pages.get(self.path, b""))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_an_engine_tells_its_version(port: int) -> None:
    assert probes.docker_version(f"tcp://127.0.0.1:{port}") == "20.10.24"


def test_an_engine_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert probes.docker_version(f"tcp://127.0.0.1:{free_port()}") is None
    assert probes.docker_version(f"unix://{tmp_path}/docker.sock") is None


def test_a_server_tells_its_version(port: int) -> None:
    assert probes.server_version(f"http://127.0.0.1:{port}/api") == "3.8.8"


@pytest.mark.parametrize("url", [None, "", "file:///etc/passwd"])
def test_what_is_no_server_is_not_asked(url: str | None) -> None:
    assert probes.server_version(url) is None


def test_a_port_in_use_is_busy(port: int) -> None:
    assert is_busy(port)
    assert not is_busy(free_port())


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", "20.10.24+dfsg1"),
        ("Kubernetes v1.35.4", "1.35.4"),
        ("git version 2.39.5", "2.39.5"),
        ("CNI loopback plugin version unknown\nCNI protocol versions supported: 0.1.0, 1.0.0", None),
        ("CNI bridge plugin v1.1.1\nCNI protocol versions supported: 0.1.0, 1.0.0", "1.1.1"),
        ("hello", None),
    ],
)
def test_a_programs_version_is_read_from_what_it_says(tmp_path: Path, said: str, version: str | None) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit 3\n")
    program.chmod(0o755)
    assert probes.program_version(program) == version


def test_the_machine_is_seen_even_before_the_cache_exists(tmp_path: Path) -> None:
    seen = probes.examine_machine(Settings.load({"HOME": str(tmp_path)}))
    assert seen.memory > 0
    assert seen.disk > 0
    assert not seen.built


def test_an_unknown_package_has_no_version() -> None:
    assert probes.package_version("surely-not-a-package") is None
    assert probes.package_version("click")
