"""The command's door: quick, helpful, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.main import VERBS, main, report
from towpath.errors import ConfigError, TowpathError

TOWPATH = Path(sys.executable).with_name("towpath")
NEED_NO_SERVER = (
    "check",
    "render",
    "delete",
    "get",
    "logs",
    "wait",
    "restart",
    "schema",
    "trace",
    "releases",
    "history",
    "plan",
    "rbac",
    "diff",
    "drift",
    "pause",
    "resume",
    "migrate",
    "init",
    "deployments",
    "install",
    "local",
    "doctor",
    "demo",
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "doctor"])
def test_help_shows_examples(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert f"towpath {verb}" in result.output.partition("Example")[2]


@pytest.mark.parametrize("verb", NEED_NO_SERVER)
def test_a_verb_that_needs_no_server_does_not_import_prefect(verb: str) -> None:
    code = f"import sys, towpath.cli.{verb}; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_imports_no_verb() -> None:
    code = (
        "import sys\nfrom towpath.cli.main import main\n"
        "main.main(['--help'], standalone_mode=False)\n"
        "verbs = {name for name in sys.modules if name.startswith('towpath.cli.')}\n"
        "sys.exit(verbs != {'towpath.cli.main'})"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL).returncode == 0
    )


def test_an_unknown_verb_is_wrong_usage() -> None:
    done = subprocess.run([TOWPATH, "delivr"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "No such command 'delivr'. Did you mean 'deliver'?" in done.stderr


def test_a_verb_that_is_like_no_other_is_wrong_usage() -> None:
    result = CliRunner().invoke(main, ["qqqq"])
    assert result.exit_code == 2
    assert "No such command 'qqqq'." in result.output


def test_wrong_usage_of_diff_is_no_difference(tmp_path: Path) -> None:
    # A local stack would give `diff` alone an environment repository.
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for arguments in (["diff"], ["diff", "a", "b", "--repo", ".", "--revision", "c"], ["diff", "--nonsense"]):
        done = subprocess.run([TOWPATH, *arguments], check=False, capture_output=True, text=True, env=environ)
        assert done.returncode == 1, done.stderr


def test_an_error_is_told_with_its_remedy_and_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [TOWPATH, "check", "--repo", str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "towpath.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_is_no_error_worth_a_traceback() -> None:
    done = subprocess.run(f"{TOWPATH} --help | true", check=False, capture_output=True, text=True, shell=True)
    assert "Traceback" not in done.stderr


def test_config_errors_name_file_and_line() -> None:
    assert str(ConfigError("wrong", file="towpath.yaml", line=3)) == "towpath.yaml:3: wrong"


def test_an_error_shows_text_of_others_without_its_escape_sequences(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(TowpathError("commit \x1b]0;title\x07x", remedy="see \x9b31mred"))
    assert capsys.readouterr().err == "error: commit x\nsee red\n"


def test_a_full_disk_is_no_bug() -> None:
    done = subprocess.run(
        f"{TOWPATH} check --schema > /dev/full", check=False, capture_output=True, text=True, shell=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write: No space left on device\n")
