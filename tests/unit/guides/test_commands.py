"""Each command in a guide is one that its program takes: the real parsers are asked, and nothing is run."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.chart import TOOLS
from tests.unit.guides.commands import DATABASE, GUIDES, ROOT, Command, commands, split
from towpath.cli.main import VERBS, main

PATH = f"{TOOLS}:{os.environ['PATH']}"


def takes_towpath(command: Command) -> None:
    """By click. A sentence may leave out arguments; what it names has to be there."""
    if command.argv[1] == "--help":
        return
    assert command.argv[1] in VERBS, f"{command}: no such verb"
    found = main.get_command(click.Context(main), command.argv[1])
    words = list(command.argv[2:])
    while isinstance(found, click.Group) and words and (inner := found.commands.get(words[0])):
        found, words = inner, words[1:]
    assert found
    if command.whole:
        found.make_context(command.argv[1], words)
        return
    known = {name for each in found.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    assert unknown == [], str(command)


def takes_cobra(command: Command) -> None:
    """Programs of Kubernetes refuse an unknown verb or option also where they are asked for help."""
    program = shutil.which(command.program, path=PATH)
    if not program:
        pytest.skip(f"needs {command.program}")
    words = [word for word in command.argv[1:] if command.whole or word != "…"]
    end = words.index("--") if "--" in words else len(words)
    argv = [program, *words[:end], "--help", *words[end:]]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=240,
        env={"PATH": PATH, "HOME": "/nonexistent", "KUBECTL_APPLYSET": "true"},
    )  # fmt: skip
    assert done.returncode == 0 or not command.whole, f"{command}: {done.stderr}"
    assert "unknown" not in done.stderr, f"{command}: {done.stderr}"
    if done.returncode:
        return
    verb = next(word for word in words if word in done.stdout.split() and not word.startswith("-"))
    assert f"{command.program} {verb}" in done.stdout, f"{command}: no such verb"


def takes_prefect(command: Command) -> None:
    """By its own application; options of the whole program, as `--no-prompt`, go before the verb."""
    import prefect.cli  # noqa: F401 - verbs add themselves
    from prefect.cli._app import _app as app

    words = list(command.argv[1:])
    while words and words[0].startswith("--"):
        words.pop(0)
    app.parse_args(words, print_error=False, exit_on_error=False)


def takes_make(command: Command) -> None:
    done = subprocess.run(["make", "-n", *command.argv[1:]], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, command


def takes_git(command: Command) -> None:
    """Git has a verb's options by its completion; what the verb does is tried where it is promised."""
    options = subprocess.run(
        ["git", command.argv[1], "-h"], capture_output=True, text=True, check=False, timeout=240
    )
    said = options.stdout + options.stderr
    assert said.lstrip().startswith("usage: git"), command
    plain = [word.partition("=")[0] for word in command.argv[2:] if word.startswith("--")]
    assert [word for word in plain if word not in said and word not in LONG[command.argv[1]]] == [], command


LONG = {"log": ("--format",)}
"""Options that `git VERB -h` does not name."""


def takes_curl(command: Command) -> None:
    done = subprocess.run([*command.argv, "--version"], capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, command


def runs(command: Command) -> None:
    """Programs that every system has, and that touch nothing."""
    done = subprocess.run(command.argv, input=b"", capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, command


PARSERS: dict[str, Callable[[Command], None]] = {
    "towpath": takes_towpath,
    "kubectl": takes_cobra,
    "helm": takes_cobra,
    "prefect": takes_prefect,
    "make": takes_make,
    "git": takes_git,
    "curl": takes_curl,
    **dict.fromkeys(DATABASE, lambda command: None),
    "export": lambda command: None,
    "mkdir": runs,
    "base64": runs,
    "head": runs,
    "openssl": runs,
    "[": lambda command: None,
}
"""Those of the database are run by tests/interop/test_backup.py."""
ALL = [each for guide in GUIDES for each in commands(guide)]


@pytest.mark.parametrize("command", dict.fromkeys(ALL), ids=str)
def test_its_program_takes_it(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, *_: value)  # files of whoever runs it
    monkeypatch.chdir(tmp_path)
    PARSERS[command.program](command)


def test_a_line_has_its_programs_and_what_it_redirects_is_none() -> None:
    line = "A=b kubectl get x 2> err | base64 -d > 'a b' && make \"$(openssl rand -hex 16)\"; towpath check"
    assert list(split(line)) == [
        ("openssl", "rand", "-hex", "16"),
        ("kubectl", "get", "x"),
        ("base64", "-d"),
        ("make", "VALUE"),
        ("towpath", "check"),
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ("towpath", "checks"),
        ("towpath", "install", "--contex", "x"),
        ("towpath", "keys", "make"),
        ("kubectl", "get", "pods", "--foo"),
        ("kubectl", "gett", "pods"),
        ("helm", "upgrad", "x"),
        ("prefect", "work-pool", "create", "--typ", "towpath"),
        ("make", "no-such-target"),
        ("git", "merg"),
        ("git", "log", "--no-such-option"),
        ("curl", "--no-such-option"),
    ],
)
def test_a_command_that_is_wrong_is_found(argv: tuple[str, ...]) -> None:
    with pytest.raises((AssertionError, click.UsageError, Exception), match=r".") as found:
        PARSERS[argv[0]](Command("x.md", 1, argv, whole=True))
    assert not isinstance(found.value, TypeError | AttributeError | KeyError), found.value
