"""`towpath trace`: from any object back to who let its release in."""

import json
import subprocess
from typing import Any

import pytest

from tests.unit.cli.running_app import CONFIG, RunningApp, configmap


@pytest.fixture
def running(app: RunningApp) -> RunningApp:
    app.begin("dev", "prod").apply("dev")
    return app


def traced(app: RunningApp, *arguments: str) -> dict[str, Any]:
    done = app.run("trace", *arguments, "--output", "json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["traces"]
    return dict(found)


def test_a_pod_leads_to_its_deployment_file_release_and_approvals(running: RunningApp) -> None:
    found = traced(running, "pod/web-1-a")
    assert [each["kind"] for each in found["owners"]] == ["ReplicaSet", "Deployment"]
    assert (found["app"], found["environment"], found["standing"]) == ("hello", "dev", "inventory")
    assert (found["file"], found["line"]) == ("apps/hello/dev/deployment.yaml", 1)
    assert found["applied_commit"] == running.world.checkout().commit
    assert (found["release"]["commit"], found["release"]["approved_by"]) == ("1" * 40, ["alice"])
    assert ("promotion", "proven") in [(step["step"], step["standing"]) for step in found["steps"]]


@pytest.mark.parametrize("kind", ["deployment", "Deployment", "deployments", "deploy", "deployment.apps"])
def test_a_kind_is_written_as_for_kubectl(running: RunningApp, kind: str) -> None:
    assert traced(running, f"{kind}/web", "--environment", "dev")["owners"] == []


def test_the_text_has_a_line_for_each_step(running: RunningApp) -> None:
    done = running.run("trace", "pod/web-1-a")
    assert done.exit_code == 0
    for line in (
        "Pod dev/web-1-a\n",
        "  controlled by  ReplicaSet web-1, by Deployment web\n",
        "  app            hello in dev (its inventory names it)\n",
        "  in Git         apps/hello/dev/deployment.yaml:1\n",
        "  release        1111111 Version 1 (Ann <ann@example.com>)\n",
        ", approved by alice\n",
        "  proof          promotion proven by dev SHA256:",
    ):
        assert line in done.output


def test_what_nobody_declared_is_nobodys_and_says_who_wrote_it(running: RunningApp) -> None:
    other = configmap("dev", "other")
    other["metadata"]["managedFields"] = [{"manager": "helm", "operation": "Update", "fieldsV1": {}}]
    running.api.add(other)
    done = running.run("trace", "cm/other")
    assert done.exit_code == 1
    assert "none: Towpath has not applied it" in done.output
    assert "written by     helm" in done.output


def test_what_left_git_and_what_only_has_the_labels_is_said(running: RunningApp) -> None:
    copied = configmap("dev", "copied")
    copied["metadata"]["labels"] = {"towpath.dev/app": "hello", "towpath.dev/environment": "dev"}
    running.api.add(copied)
    found = traced(running, "configmap/copied")
    assert found["standing"] == "label"
    assert found["notes"][:1] == ["its labels are those of an app, but it is not part of the app's ApplySet"]
    assert "Git does not have it any more" in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("pod/none",), 1, "unknown object 'pod/none' in namespace dev, prod"),
        (("deploymint/web",), 1, "Did you mean Deployment?"),
        (("web",), 2, "must be KIND/NAME"),
        (("pod/web-1-a", "--environment", "prd"), 1, "Did you mean prod?"),
        (("pod/web-1-a", "--namespace", "prod"), 1, "in namespace prod"),
    ],
)
def test_what_is_not_there(running: RunningApp, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = running.run("trace", *arguments)
    assert done.exit_code == code
    assert says in str(done.exception) + done.output


def test_an_app_without_images_leads_to_its_newest_change(running: RunningApp) -> None:
    config = CONFIG.replace("image: 127.0.0.1:5000/hello", "images: {}")
    release = "apps/hello/dev/release.yaml"
    plain = configmap("dev", "settings")
    files = {"towpath.yaml": config, "apps/hello/dev/deployment.yaml": json.dumps(plain)}
    subprocess.run(["git", "clone", "-q", running.world.url, "work"], cwd=running.world.cache, check=True)
    work = running.world.cache / "work"
    for path, text in files.items():
        (work / path).write_text(text)
    (work / "apps/hello/dev/configmap.yaml").unlink()
    (work / release).unlink()
    person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    for args in (("add", "-A"), (*person, "commit", "-qm", "Settings alone"), ("push", "-q")):
        subprocess.run(["git", *args], cwd=work, check=True)
    found = traced(running, "configmap/settings")
    assert (found["standing"], found["release"]) == ("inventory", None)
    assert found["file"] == "apps/hello/dev/deployment.yaml"
    (change,) = [step for step in found["steps"] if step["step"] == "change"]
    assert change["detail"].endswith("Settings alone")
