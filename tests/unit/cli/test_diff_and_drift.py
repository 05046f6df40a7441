"""`towpath diff` and `towpath drift` where no cluster answers: what is wrong is told first, in JSON too."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forks import towpath_command
from towpath.cli.drift import text, to_json
from towpath.cli.views.drift import DriftView
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

EXAMPLE = Path(__file__).parents[3] / "examples/environments"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The example, committed, with a release of its app in every environment."""
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "environments"))
    person = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*person, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def towpath(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    environ = {
        **kept,
        "HOME": str(repository.parent),
        "KUBECONFIG": str(repository.parent / "none"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TOWPATH_ENVIRONMENTS": f"file://{repository}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
    }
    return subprocess.run(
        [*towpath_command(), *arguments], env=environ, capture_output=True, text=True, check=False
    )


def test_a_misspelt_app_is_told_with_the_nearest_and_not_the_missing_cluster(repository: Path) -> None:
    for arguments in (["diff", "helo", "prod"], ["plan", "helo", "prod"], ["drift", "prod", "--app", "helo"]):
        done = towpath(repository, *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("error: unknown app 'helo'"), done.stderr
        assert done.stderr.endswith("Did you mean hello?\n")


def test_a_misspelt_environment_is_told_before_the_missing_cluster(repository: Path) -> None:
    for arguments in (["diff", "hello", "prd"], ["diff", "prd"], ["drift", "prd", "--app", "helo"]):
        done = towpath(repository, *arguments)
        assert (done.returncode, done.stderr.splitlines()) == (
            1,
            ["error: unknown environment 'prd' in towpath.yaml", "Did you mean prod?"],
        )


def test_json_says_what_could_not_be_judged_and_does_not_say_that_nothing_differs(repository: Path) -> None:
    for arguments, where in (
        (["diff", "hello", "prod"], ("prod", "hello")),
        (["diff", "prod"], ("prod", None)),
        (["diff", "prod", "--repo", str(repository)], ("prod", None)),
        (["diff", "prd"], ("prd", None)),
    ):
        done = towpath(repository, *arguments, "--output", "json")
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["differs"]) == (1, None)
        (problem,) = answer["problems"]
        assert (problem["environment"], problem["app"]) == where
        assert problem["message"] in done.stderr.replace("error: prod: ", "error: ")


REF = ObjectRef("", "Service", "dev", "hello")
LONG = 'apply Service dev/hello: Service "hello" is invalid: spec.ports[1].name: Duplicate value: "http"'


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (DriftEntry("hello", REF, "modified", message=LONG), f"Service dev/hello: {LONG}"),
        (DriftEntry("hello", REF, "deleted", message=LONG), f"Service dev/hello: {LONG}"),
        (DriftEntry("", REF, "extra", message=LONG), f"Service dev/hello: {LONG}"),
        (
            DriftEntry(
                "hello", REF, "modified", (Difference("/spec/type", "NodePort", "ClusterIP"),), message="no"
            ),
            "Service dev/hello: no",
        ),
        (
            DriftEntry("hello", REF, "deleted", message="another one has its name"),
            "deleted: another one has its name",
        ),
    ],
)
def test_drift_tells_the_whole_reason_of_each_entry(entry: DriftEntry, told: str) -> None:
    report = DriftReport("dev", "", (entry,))
    assert told in text(DriftView(report))


def test_drift_says_of_what_is_held_that_no_reconcile_carries_it_out() -> None:
    entry = DriftEntry("hello", REF, "unapplied")
    decisions = (Decision("hello", "sync", (entry,)), Decision("other", "sync", (entry,)))
    report = DriftReport("dev", "", (entry,))
    shown = text(DriftView(report, decisions, held={"hello": "dev holds hello: 2 approvals are missing"}))
    assert "hello: a reconcile does not carry it out: dev holds hello: 2 approvals are missing" in shown
    assert "other: the next reconcile makes it as Git wants it" in shown
    told = to_json(DriftView(report, decisions, held={"hello": "why"}))
    assert [each.get("held") for each in told["decisions"]] == ["why", None]
    assert told["published"] is None


def test_a_field_left_to_a_controller_is_told_with_both_values_and_its_owner() -> None:
    who = FieldChange("2026-01-01T00:00:00Z", "cainjector", "Update", (".data.ca",))
    entry = DriftEntry(
        "hello",
        REF,
        "modified",
        (Difference("/data/ca", "PEM", "none"),),
        (who,),
        message="1 field left to cainjector: .data.ca",
        blame=(who,),
        left_to="1 field left to cainjector",
    )
    view = DriftView(DriftReport("dev", "", (entry,)))
    [row] = [line for line in text(view).splitlines() if "/data/ca" in line]
    assert [part for part in ("none", "PEM", "cainjector (Update)") if part not in row] == []
    assert "Service dev/hello: 1 field left to cainjector: .data.ca" in text(view)
    [told] = to_json(view)["entries"]
    assert told["message"] == "1 field left to cainjector: .data.ca"
    [difference] = told["differences"]
    assert (difference["desired"], difference["live"]) == ("none", "PEM")
    assert (difference["manager"], difference["operation"]) == ("cainjector", "Update")
