import socket
from pathlib import Path

import pytest

from towpath.local.common.layout import Layout
from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import Options
from towpath.local.programs import doctor
from towpath.local.programs.checks import Check, Status
from towpath.settings import Settings


def test_only_what_is_missing_fails() -> None:
    fine = [Check("a", Status.OK, ""), Check("b", Status.GETTABLE, ""), Check("c", Status.ABSENT, "")]
    assert not doctor.fails(fine)
    assert doctor.fails([*fine, Check("d", Status.MISSING, "")])


def test_what_the_environment_gives_is_not_wanted() -> None:
    given = doctor.required_parts({"KUBECONFIG": "/k", "DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert not given.cluster
    assert not given.engine
    assert doctor.required_parts({}).cluster


def test_ports_are_looked_at_that_the_stack_was_told(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "KUBECONFIG": "/k", "DOCKER_HOST": "unix:///none.sock"}
    settings = Settings.load(environ)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        number = server.getsockname()[1]
        Options(ports={**DEFAULT_PORTS, "registry": number}).save(Layout(settings.local))
        (ports,) = [each for each in doctor.examine(settings, environ) if each.name == "ports"]
    assert f"registry {number}" in ports.detail


def test_an_examination_looks_at_everything_and_names_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
    }
    found = {check.name: check for check in doctor.examine(Settings.load(environ), environ)}
    assert {"python", "git", "go", "docker engine", "kubernetes", "trivy", "memory", "ports"} <= set(found)
    assert found["docker engine"].status is Status.MISSING
    assert found["prefect server"].status is Status.MISSING
    assert found["cluster"].status is Status.MISSING
    assert found["kubernetes"].status in (Status.OK, Status.ABSENT)
    assert found["python"].to_json()["status"] == "ok"
