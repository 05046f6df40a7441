"""`towpath restart`: the annotation of `kubectl rollout restart`, by a manager whose edits are no drift."""

import json
from copy import deepcopy

import pytest

from tests.unit.cli.running_app import RunningApp
from towpath.engine.operate.restart import MANAGER, Workload
from towpath.fields.managed_fields import RESTARTED_ANNOTATION, foreign_edits

WEB = "/apis/apps/v1/namespaces/dev/deployments/web"


@pytest.fixture
def running(app: RunningApp) -> RunningApp:
    app.begin("dev").apply("dev")
    return app


@pytest.mark.parametrize(
    "named", [(), ("deployment/web",), ("deploy/web",), ("Deployments/web",), ("deployment.apps/web",)]
)
def test_one_annotation_of_the_pod_template_is_applied(running: RunningApp, named: tuple[str, ...]) -> None:
    done = running.run("restart", "hello", "dev", *named)
    assert (done.exit_code, done.output) == (0, "Deployment dev/web restarted\n")
    ((manager, content),) = running.api.applied
    annotations = content["spec"]["template"]["metadata"].pop("annotations")
    assert manager == MANAGER
    assert list(annotations) == [RESTARTED_ANNOTATION]
    assert content == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "dev", "uid": "Deployment-web"},
        "spec": {"template": {"metadata": {}}},
    }


def test_json_says_what_was_restarted(running: RunningApp) -> None:
    told = json.loads(running.run("restart", "hello", "dev", "--output", "json").stdout)
    assert told["restarted"] == [{"group": "apps", "kind": "Deployment", "namespace": "dev", "name": "web"}]


def test_the_entry_that_it_leaves_is_no_edit_by_hand() -> None:
    fields = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{RESTARTED_ANNOTATION}": {}}}}}}
    entry = {"manager": MANAGER, "operation": "Apply", "fieldsV1": fields, "time": "2026-01-01T00:00:00Z"}
    assert foreign_edits({"managedFields": [entry]}) == ()


@pytest.mark.parametrize("text", ["web", "deployment/", "pod/web", "service/web", "/web"])
def test_what_cannot_be_restarted_is_wrong_usage(running: RunningApp, text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|cannot be"):
        Workload.parse(text)
    assert running.run("restart", "hello", "dev", text).exit_code == 2


def test_objects_of_others_and_unknown_names_are_refused(running: RunningApp) -> None:
    other = deepcopy(running.api.objects[WEB])
    other["metadata"] |= {"name": "other", "uid": "other"}
    running.api.add(other)
    for arguments, says in (
        (("hello", "dev", "deployment/other"), "unknown object 'Deployment/other'"),
        (("hello", "dev", "deployment/wbe"), "Did you mean Deployment/web?"),
        (("helo", "dev"), "Did you mean hello?"),
        (("hello", "dve"), "Did you mean dev?"),
    ):
        done = running.run("restart", *arguments)
        assert done.exit_code == 1
        assert says in str(done.exception)
    assert running.api.applied == []


def test_a_paused_deployment_and_an_annotation_of_git_are_refused(running: RunningApp) -> None:
    web = running.api.objects[WEB]
    web["spec"]["paused"] = True
    assert "is paused" in str(running.run("restart", "hello", "dev").exception)
    del web["spec"]["paused"]
    fields = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{RESTARTED_ANNOTATION}": {}}}}}}
    web["metadata"]["managedFields"] = [{"manager": "towpath", "operation": "Apply", "fieldsV1": fields}]
    assert "Git has the annotation" in str(running.run("restart", "hello", "dev").exception)
    assert running.api.applied == []


def test_nothing_is_restarted_in_a_paused_environment(running: RunningApp) -> None:
    done = running.run("pause", "dev", "--until", "2h", "--reason", "migration")
    assert done.exit_code == 0, done.output
    done = running.run("restart", "hello", "dev")
    assert done.exit_code == 1
    assert "hello in dev is paused" in str(done.exception)
    assert running.api.applied == []


def test_twice_within_a_second_is_refused_because_nothing_would_change(running: RunningApp) -> None:
    from towpath.engine.operate.restart import restart_workload
    from towpath.errors import RefusedError

    web = running.api.objects[WEB]
    web["spec"]["template"]["metadata"]["annotations"] = {RESTARTED_ANNOTATION: "2026-01-01T00:00:00Z"}
    with pytest.raises(RefusedError, match="within this second"):
        restart_workload(None, web, "2026-01-01T00:00:00Z")  # type: ignore[arg-type]
