import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.forks import towpath_command
from tests.traps.repository import build, configmap, helm, kustomize, plain
from towpath.printable import printable
from towpath.yamltext.manifest_reader import load_document

EXAMPLE = Path(__file__).parents[3] / "examples/environments"
TOWPATH = [sys.executable, "-c", "from towpath.cli.main import run; run()"]


def towpath(*args: str) -> subprocess.CompletedProcess[str]:
    command = [*towpath_command(), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "environments"))


def test_check_of_a_good_repository(repository: Path) -> None:
    done = towpath("check", "--repo", str(repository))
    assert (done.returncode, done.stdout) == (0, "no findings (1 app, 3 environments, 25 objects)\n")


def test_check_prints_findings_and_fails(repository: Path) -> None:
    (repository / "apps/hello/dev/config.yaml").write_text("a: 1\na: 2\n")
    done = towpath("check", "--repo", str(repository))
    assert done.returncode == 1
    assert done.stdout == "apps/hello/dev/config.yaml:2: the same key twice in one mapping\n"
    as_json = towpath("check", "--repo", str(repository), "--output", "json")
    assert as_json.returncode == 1
    (finding,) = json.loads(as_json.stdout)["findings"]
    assert (finding["file"], finding["line"]) == ("apps/hello/dev/config.yaml", 2)


def test_a_finding_cannot_steer_the_terminal(repository: Path) -> None:
    text = (repository / "towpath.yaml").read_text()
    (repository / "towpath.yaml").write_text(f'"\\e]0;title\\a": 1\n{text}')
    done = towpath("check", "--repo", str(repository))
    assert done.returncode == 1
    assert "unknown key" in done.stdout
    assert "\x1b" not in done.stdout


def test_check_of_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    done = towpath("check", "--repo", str(tmp_path))
    assert done.returncode == 1
    assert "towpath.yaml" in done.stdout
    done = towpath("check", "--repo", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "no such folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_is_json() -> None:
    assert json.loads(towpath("check", "--schema").stdout)["title"] == "towpath.yaml"
    assert json.loads(towpath("check", "--schema", "release.yaml").stdout)["title"] == "release.yaml"


def test_help_loads_nothing_that_takes_time() -> None:
    code = (
        "import sys; sys.argv = ['towpath', 'check', '--help']\n"
        "from towpath.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "print(sorted({'pydantic', 'yaml', 'git', 'kubernetes', 'prefect', 'docker'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: towpath check" in done.stdout or "Usage: check" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_render_prints_what_would_be_applied(repository: Path) -> None:
    done = towpath("render", "--repo", str(repository), "--app", "hello", "--environment", "prod")
    assert done.returncode == 0
    assert "replicas: 3" in done.stdout
    assert done.stdout.count("\n---\n") == 8


def test_render_is_not_shown_as_something_to_apply() -> None:
    said = towpath("render", "--help").stdout
    assert "Secrets are masked" in said
    assert "kubectl" not in said


def test_render_of_an_unknown_environment(repository: Path) -> None:
    done = towpath("render", "--repo", str(repository), "--app", "hello", "--environment", "pro")
    assert done.returncode == 1
    assert "Did you mean prod?" in done.stderr


def test_what_is_rendered_cannot_steer_the_terminal(tmp_path: Path) -> None:
    data = {"a": "\x1b[2J\u202e\u2066\x9b", "b": "é"}
    root = build(tmp_path, plain("", configmap(more=f"data: {json.dumps(data)}\n")))
    done = towpath("render", "--repo", str(root), "--app", "x", "--environment", "dev")
    assert printable(done.stdout) == done.stdout
    assert load_document(done.stdout, "stdout")["data"] == data


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3_000, "nothing", "/dev/null"])
@pytest.mark.parametrize("verb", ["check", "render"])
def test_a_repository_that_is_none(verb: str, name: str) -> None:
    more = ["--app", "x", "--environment", "dev"] if verb == "render" else []
    done = towpath(verb, "--repo", name, *more)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "unexpected" not in done.stderr


def test_no_program_of_the_repository_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = build(tmp_path, kustomize("", "resources: []\n"))
    program = root / "kustomize"
    program.write_text(f"#!/bin/sh\n: > {tmp_path}/was-run\n")
    program.chmod(0o755)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", ".:")
    monkeypatch.setenv("TOWPATH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
    done = towpath("check")
    assert (done.returncode, (tmp_path / "was-run").exists()) == (1, False)
    assert "is installed" in done.stdout


@pytest.mark.parametrize("verb", ["status", "history hello", "verify hello dev", "policy diff", "diff"])
def test_a_machine_without_git_is_told_so(
    repository: Path, tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys"
    keys.touch()
    monkeypatch.chdir(repository)
    for name, value in {
        "PATH": str(tmp_path),
        "TOWPATH_HOME": str(tmp_path / "home"),
        "TOWPATH_TRUSTED_KEYS": str(keys),
        "TOWPATH_ENVIRONMENTS": "https://127.0.0.1:1/environments.git",
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
    }.items():
        monkeypatch.setenv(name, value)
    done = towpath(*verb.split())
    assert (done.returncode != 0, done.stderr.splitlines()[0]) == (
        True,
        "error: cannot run git: it is not on PATH",
    )


def test_a_finding_is_told_in_letters_that_the_output_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = build(tmp_path, plain("", configmap("c\n  annotations: {漢: b}")))
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")  # read when an interpreter starts
    command = [*TOWPATH, "check", "--repo", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "\\u6f22" in done.stdout) == (1, True), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
@pytest.mark.parametrize("verb", ["check", "render"])
def test_whoever_ends_it_ends_the_renderer_too(tmp_path: Path, verb: str, number: signal.Signals) -> None:
    loop = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    root = build(tmp_path, helm("", loop))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    args = [verb, "--repo", str(root), *(["--app", "x", "--environment", "dev"] if verb == "render" else [])]
    environ = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [*TOWPATH, *args],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 - under nohup it would be ignored
    )
    while not (renderers := programs_of(process)):
        assert process.poll() is None, "it ended before its renderer was seen"
        time.sleep(0.01)
    time.sleep(
        0.3
    )  # it is started: what ends in the midst of starting another is left to that one's own limits
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    assert not [each for each in renderers if Path(f"/proc/{each}").exists()]
    assert not list(temporary.iterdir())


def programs_of(process: subprocess.Popen[bytes]) -> list[str]:
    """Ids of the processes that it has started."""
    lists = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [child for each in lists for child in each.read_text().split()]
