"""Markdown that is printed and posted: nothing is compared for a job that cannot post; the ready CI files."""

import json
from pathlib import Path

import pytest
import yaml

from tests.unit.adapters.answering import Answer, answering
from towpath.applyset.plan import Plan
from towpath.cli.diff import command
from towpath.cli.ui.planning import ComparisonMade
from towpath.cli.ui.published import CLUSTER
from towpath.cli.views.posting import show_markdown
from towpath.engine.reconcile.diff import Comparison
from towpath.errors import MissingPartError

FOLDER = Path(__file__).parents[4] / "deployments/ci"


def comparisons(**problems: str) -> list[ComparisonMade]:
    return [ComparisonMade(Comparison("prod", (Plan("hello", "prod", (), ""),), problems), CLUSTER)]


def job(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    variables = {"API": url, "REPOSITORY": "acme/environments", "NUMBER": "7", "COMMIT": "a" * 40}
    monkeypatch.setenv("TOWPATH_FORGE", "gitea")
    for name, value in {**variables, "TOKEN": "a-token-of-the-tests-3"}.items():
        monkeypatch.setenv(f"TOWPATH_FORGE_{name}", value)


def test_nothing_is_compared_for_a_job_that_cannot_post(monkeypatch: pytest.MonkeyPatch) -> None:
    job(monkeypatch, "https://git.example.com")
    monkeypatch.delenv("TOWPATH_FORGE_TOKEN")
    with pytest.raises(MissingPartError):
        show_markdown(lambda: pytest.fail("compared"), ("prod",), post=True)


@pytest.mark.parametrize(("problems", "state"), [({}, "success"), ({"other": "no file"}, "failure")])
def test_comment_and_status_have_the_name_of_what_was_compared(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problems: dict[str, str],
    state: str,
) -> None:
    listed = [Answer(200, b'{"id": 1}'), Answer(200, b"[]"), Answer(201, b"{}")]
    with answering(listed) as server:
        job(monkeypatch, server.url)
        result = show_markdown(lambda: comparisons(**problems), ("hello", "prod"), post=True)
    comment, status = (json.loads(each.body) for each in server.requests[-2:])
    assert result == (False, bool(problems))
    assert comment["body"].startswith("<!-- towpath diff hello prod -->\n### prod: ")
    assert (status["context"], status["state"]) == ("towpath diff hello prod", state)
    printed = capsys.readouterr()
    assert comment["body"].endswith(printed.out)
    assert printed.err == "posted: the comment of acme/environments#7 at 127.0.0.1\n"


def test_without_post_nothing_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_markdown(comparisons, (), post=False) == (False, False)
    assert capsys.readouterr().out.startswith("### prod: 0 of 1 apps differ")


def test_the_ready_ci_files_call_it_with_options_that_it_has() -> None:
    github = yaml.safe_load((FOLDER / "diff-github-actions.yml").read_text())
    gitlab = yaml.safe_load((FOLDER / "diff-gitlab-ci.yml").read_text())
    steps = [step["run"] for step in github["jobs"]["diff"]["steps"] if "run" in step]
    assert github["permissions"] == {"contents": "read", "pull-requests": "write", "statuses": "write"}
    options = {name for each in command.params for name in each.opts}
    for line in (steps[-1], gitlab["diff"]["script"][-1]):
        assert line.endswith("|| [ $? -eq 2 ]")
        assert {part for part in line.split() if part.startswith("--")} <= options
