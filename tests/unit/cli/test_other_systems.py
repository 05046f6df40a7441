"""Verbs on Windows and macOS: each starts where Linux's own names and modules do not exist."""

import subprocess
import sys
from pathlib import Path

import pytest

from towpath.cli.main import VERBS

ROOT = Path(__file__).parents[3]
WITHOUT = """
import errno, os, signal, socket, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "termios", "pwd", "grp", *sys.argv[1].split(",")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
import subprocess  # decides by modules that exist here how it starts programs
lacking = ((signal, "SIGHUP SIGKILL"), (os, "geteuid getuid killpg O_NOFOLLOW O_NONBLOCK O_CLOEXEC sysconf"),
           (socket, "AF_UNIX"), (errno, "EDQUOT"))
for module, names in lacking:
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
from towpath.cli.main import run
sys.argv = ["towpath", *sys.argv[2:]]
run()
"""


def towpath(*args: str, blocked: str = "") -> subprocess.CompletedProcess[str]:
    """Run a verb in a Python that lacks what Windows lacks, and the modules in `blocked`."""
    command = [sys.executable, "-c", WITHOUT, blocked, *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("verb", list(VERBS))
def test_each_verb_starts_without_the_names_of_linux(verb: str) -> None:
    done = towpath(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: towpath")


def test_init_check_and_render_work_without_the_names_of_linux(tmp_path: Path) -> None:
    folder = str(tmp_path / "environments")
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello}\ndata: {greeting: hello}\n"
    done = towpath("init", folder, "--image", "127.0.0.1:5000/hello", "--environments", "dev")
    assert done.returncode == 0, done.stderr
    plain = tmp_path / "plain"
    (plain / "apps/hello/dev").mkdir(parents=True)
    (plain / "apps/hello/dev/config.yaml").write_text(config)
    (plain / "towpath.yaml").write_text(
        "apiVersion: towpath.dev/v2\napps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}\n"
        "environments: [{name: dev, namespace: dev}]\n"
    )
    done = towpath("check", "--repo", str(plain))
    assert (done.returncode, done.stdout) == (0, "no findings (1 app, 1 environment, 1 object)\n"), (
        done.stderr
    )
    done = towpath("render", "--repo", str(plain), "--app", "hello", "--environment", "dev")
    assert (done.returncode, "greeting: hello" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "agent"])
def test_no_verb_but_agent_imports_prefect(verb: str) -> None:
    done = towpath(verb, "--help", blocked="prefect,httpx")
    assert done.returncode == 0, done.stderr


def test_what_verbs_import_when_they_are_called_has_none_of_the_slow_libraries() -> None:
    modules = (
        "cli.ui.names, cli.ui.started, cli.ui.waiting, cli.ui.planning, orchestration.server,"
        " engine.source.history, engine.reconcile.loop, adapters.registries.registry,"
        " adapters.kubernetes"
    )
    imports = "; ".join(f"import towpath.{name.strip()}" for name in modules.split(","))
    heavy = "{'prefect', 'httpx', 'docker', 'kubernetes'}"
    found = f"sorted({{name.partition('.')[0] for name in sys.modules}} & {heavy})"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({found})"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "[]"
