"""Settings: the environment first, then the local stack, never a mixture of two servers."""

import json
from pathlib import Path

import pytest

from towpath.errors import MissingPartError
from towpath.settings import ClusterConnection, Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A TOWPATH_HOME whose local stack is up."""
    folder = tmp_path / "local"
    folder.mkdir()
    stack = {
        "PREFECT_API_URL": "http://127.0.0.1:4200/api",
        "TOWPATH_ENVIRONMENTS": "/stack/environments.git",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "KUBECONFIG": "/stack/kubeconfig",
        "SECRET": "not ours",
    }
    (folder / "settings.json").write_text(json.dumps(stack))
    return tmp_path


def test_what_nobody_said_comes_from_the_running_stack(home: Path) -> None:
    settings = Settings.load({"TOWPATH_HOME": str(home), "HOME": "/nowhere"})
    assert settings.environments == "/stack/environments.git"
    assert settings.git_allow_file
    assert settings.branch == "main"


def test_the_environment_wins_over_the_stack(home: Path) -> None:
    settings = Settings.load({"TOWPATH_HOME": str(home), "KUBECONFIG": "/mine"})
    assert settings.kubeconfig == "/mine"
    assert settings.environments == "/stack/environments.git"


@pytest.mark.parametrize("named", ["PREFECT_API_URL", "TOWPATH_ENVIRONMENTS"])
def test_who_names_a_server_or_repository_gets_nothing_of_the_stack(home: Path, named: str) -> None:
    settings = Settings.load({"TOWPATH_HOME": str(home), named: "https://example.com/x"})
    assert settings.kubeconfig is None
    assert not settings.git_allow_file


@pytest.mark.parametrize(
    ("said", "connection"),
    [
        ({}, ClusterConnection("/mine")),
        ({"TOWPATH_CONTEXT": "prod"}, ClusterConnection("/mine", "prod")),
        ({"TOWPATH_CONTEXT": ""}, ClusterConnection("/mine", "")),
        ({"TOWPATH_ALLOW_EXEC": "1"}, ClusterConnection("/mine", allow_exec=True)),
        *(
            ({"TOWPATH_ALLOW_EXEC": value}, ClusterConnection("/mine"))
            for value in ("", "0", "true", "yes", "11")
        ),
    ],
)
def test_the_machine_says_which_cluster(
    home: Path, said: dict[str, str], connection: ClusterConnection
) -> None:
    settings = Settings.load({"TOWPATH_HOME": str(home), "KUBECONFIG": "/mine", **said})
    assert settings.connection == connection


def test_a_stack_names_no_context_and_lets_no_program_run(home: Path) -> None:
    stack = json.loads((home / "local" / "settings.json").read_text())
    more = {"TOWPATH_CONTEXT": "other", "TOWPATH_ALLOW_EXEC": "1"}
    (home / "local" / "settings.json").write_text(json.dumps({**stack, **more}))
    assert Settings.load({"TOWPATH_HOME": str(home)}).connection == ClusterConnection("/stack/kubeconfig")


def test_no_repository_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="no environment repository") as error:
        Settings.load({"HOME": str(tmp_path)}).environments_url()
    assert "towpath local up" in str(error.value)


def test_export_sets_what_is_missing_and_only_what_libraries_need(home: Path) -> None:
    environ = {"TOWPATH_HOME": str(home), "KUBECONFIG": "/mine"}
    Settings.load(environ).export(environ)
    assert environ["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert environ["KUBECONFIG"] == "/mine"
    assert "SECRET" not in environ


def test_a_broken_stack_file_counts_as_no_stack(home: Path) -> None:
    (home / "local" / "settings.json").write_text("{")
    assert Settings.load({"TOWPATH_HOME": str(home)}).environments is None


@pytest.mark.parametrize("content", ["null", "[]", '"PREFECT_API_URL"', "{", '{"PREFECT_API_URL": null}', ""])
def test_a_stacks_file_that_is_broken_says_nothing(home: Path, content: str) -> None:
    (home / "local" / "settings.json").write_text(content)
    assert not Settings.load({"TOWPATH_HOME": str(home)}).variables
