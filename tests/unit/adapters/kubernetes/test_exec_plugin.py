import json
import os
import stat
import time
from pathlib import Path

import pytest

from towpath.adapters.kubernetes import exec_plugin
from towpath.adapters.kubernetes.exec_plugin import shared_source
from towpath.adapters.kubernetes.kubeconfig import ClusterEntry, ExecPlugin
from towpath.errors import TerminalError

V1 = "client.authentication.k8s.io/v1"
CLUSTER = ClusterEntry("https://k", exec_config='{"a": 1}')
SECRET = "s3cr3t-of-the-program"


def answer(**status: object) -> str:
    return json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})


@pytest.fixture
def program(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


def source(command: object, **more: object):
    fields = {"command": str(command), "api_version": V1, "interactive_mode": "Never", **more}
    return shared_source(ExecPlugin(**fields), CLUSTER, b"PEM")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"echo {SECRET} >&2; echo {SECRET}; exit 3", "failed with exit code 3"),
        (f"echo {SECRET}; exit 4", "failed with exit code 4"),
        (f"echo '{{\"token\": {SECRET}'", "did not answer with JSON or YAML"),
        (f"echo '{SECRET}: 1'", "did not answer with an ExecCredential"),
        (f"echo '[\"{SECRET}\"]'", "must be a mapping"),
        (f"echo '{answer(token=SECRET, clientKeyData=SECRET)}'", "only one of certificate and key"),
        (f"echo '{answer(token=[SECRET])}'", "`token` must be text"),
        (f"echo '{answer(token=f'{SECRET} x')}'", "white space"),
        (f"echo '{answer(token=SECRET, expirationTimestamp=SECRET)}'", "no time as in RFC 3339"),
        (f"echo '{answer(clientCertificateData=SECRET, clientKeyData=SECRET)}'", "cannot be used together"),
        (f"head -c 2000000 /dev/zero | tr '\\0' x; echo {SECRET}", "wrote too much"),
    ],
)
def test_a_program_that_fails_is_an_error_that_shows_nothing_of_its_output(program, text, message) -> None:
    path = program(text)
    with pytest.raises(TerminalError, match=message) as caught:
        source(path, args=(SECRET,), env=(("A", SECRET),)).current()
    shown = f"{caught.value} {caught.value.__cause__} {caught.value.__context__ if not caught.value.__suppress_context__ else ''}"  # noqa: E501
    assert str(path) in shown and SECRET not in shown
    assert not caught.value.transient


def test_a_program_that_does_not_end(program, monkeypatch) -> None:
    monkeypatch.setattr(exec_plugin, "SECONDS", 0.3)
    with pytest.raises(TerminalError, match=r"did not end within 0\.3 s"):
        source(program("sleep 60")).current()


def test_what_cannot_be_run(program, tmp_path) -> None:
    with pytest.raises(TerminalError, match="cannot be run: No such file"):
        source(tmp_path / "missing").current()
    path = program("")
    path.chmod(0o600)
    with pytest.raises(TerminalError, match="cannot be run: Permission denied"):
        source(path).current()
    path.write_text("no script")
    path.chmod(0o700)
    with pytest.raises(TerminalError, match="cannot be run: Exec format error"):
        source(path).current()
    with pytest.raises(TerminalError, match=r"is not on PATH \(get it at our site\)"):
        source("no-such-program", install_hint="\x1b[31mget it at our site")


def test_a_terminal_is_never_given(program) -> None:
    with pytest.raises(TerminalError, match="wants a terminal"):
        source(program(f"echo '{answer(token='t')}'"), interactive_mode="Always").current()


def test_it_is_run_once_for_all_connections_until_it_has_expired(program, tmp_path) -> None:
    runs = tmp_path / "runs"
    soon = time.strftime("%Y-%m-%dT%H:%M:%S.250Z", time.gmtime(time.time() + 1))
    path = program(f"echo run >> {runs}; echo '{answer(token='t0ken', expirationTimestamp=soon)}'")
    first = source(path).current()
    assert source(path).current() is first
    assert runs.read_text() == "run\n"
    time.sleep(2.3)
    assert source(path).current() == first
    assert runs.read_text() == "run\nrun\n"


def test_refused_credentials_are_asked_for_once_by_many(program, tmp_path) -> None:
    runs = tmp_path / "runs"
    said = answer(token="token-%d")
    path = program(f"echo run >> {runs}; printf '{said}' \"$(wc -l < {runs})\"")
    plugin = source(path)
    first = plugin.current()
    assert first.token == "token-1"
    second = plugin.renewed(first)
    assert second is not None and second.token == "token-2"
    assert plugin.renewed(first) is second
    assert plugin.current() is second


def test_a_failed_renewal_leaves_nothing_to_go_on_with(program) -> None:
    path = program(f"echo '{answer(token='t0ken')}'")
    plugin = source(path)
    first = plugin.current()
    program("exit 1")
    for _ in range(2):
        with pytest.raises(TerminalError, match="exit code 1"):
            plugin.renewed(first)
        with pytest.raises(TerminalError, match="exit code 1"):
            plugin.current()


def test_environment_and_what_the_program_is_told(program, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    monkeypatch.setenv("CHANGED", "no")
    told = tmp_path / "told"
    text = f'printf \'%s\\n\' "$INHERITED $CHANGED $1" "$KUBERNETES_EXEC_INFO" > {told}\n'
    text += f"echo '{answer(token='t')}'"
    source(program(text), args=("a b",), env=(("CHANGED", "yes"),), provide_cluster_info=True).current()
    first, info = told.read_text().splitlines()
    assert first == "yes yes a b"
    assert json.loads(info) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {
            "interactive": False,
            "cluster": {"server": "https://k", "certificate-authority-data": "UEVN", "config": {"a": 1}},
        },
    }


def test_only_absolute_folders_of_path_are_looked_into(program, monkeypatch, tmp_path) -> None:
    program(f"echo '{answer(token='t0ken')}'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    with pytest.raises(TerminalError, match="is not on PATH"):
        source("program")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert source("program").current().token == "t0ken"
