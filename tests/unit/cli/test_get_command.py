"""`towpath get`: the tree, what is wrong with it, and what is not there."""

import json

from tests.unit.cli.running_app import RunningApp, configmap
from towpath.objects import Manifest

SECRET = "hunter2-and-more"


def secret(namespace: str) -> Manifest:
    import base64

    metadata = {"name": "db", "namespace": namespace}
    data = {"password": base64.b64encode(SECRET.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def test_what_controllers_made_stands_below_what_git_wants(app: RunningApp) -> None:
    app.begin("dev", "prod").apply("dev")
    app.api.add(app.replica_set("dev", "web-0", replicas=0))
    done = app.run("get", "hello", "dev")
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines[0].startswith("hello in dev: Healthy, applied at commit ")
    assert lines[1] == "OBJECT HEALTH AGE FROM MESSAGE"
    shown = [(line.split()[:2], "Git" in line) for line in lines[2:4]]
    assert shown == [(["ConfigMap", "settings"], True), (["Deployment", "web"], True)]
    assert [line.split(" Healthy")[0] for line in lines[4:]] == ["└─ ReplicaSet web-1", "└─ Pod web-1-a"]


def test_an_unhealthy_pod_is_told_with_its_warnings_and_log_and_no_secret(app: RunningApp) -> None:
    app.begin("dev").apply("dev", ready=False)
    pod = next(each for each in app.api.objects.values() if each["kind"] == "Pod")
    app.api.add(secret("dev"), app.event(pod, "BackOff", f"back-off, using {SECRET}", count=7))
    app.api.logs["web-1-a", "web-previous"] = f"start\nconnect to db with {SECRET}\n\x1b[31mpanic\n"
    done = app.run("get", "hello", "dev")
    assert done.exit_code == 0, done.output
    assert "hello in dev: Degraded" in done.output
    assert "event BackOff (7 times, last" in done.output
    assert (
        "log of web before its last restart:\n    start\n    connect to db with ***\n    panic" in done.output
    )
    assert SECRET not in done.output


def test_a_key_that_begins_before_the_lines_that_are_shown_is_masked(app: RunningApp) -> None:
    app.begin("dev").apply("dev", ready=False)
    body = "".join(f"MIIEvQ{number}\n" for number in range(20))
    app.api.logs["web-1-a", "web-previous"] = f"-----BEGIN PRIVATE KEY-----\n{body}"
    done = app.run("get", "hello", "dev")
    assert "log of web before its last restart:\n    ***\n" in done.output
    assert "MIIEvQ" not in done.output


def test_json_has_the_tree_events_and_logs(app: RunningApp) -> None:
    app.begin("dev").apply("dev", ready=False)
    app.api.logs["web-1-a", "web-previous"] = "panic\n"
    told = json.loads(app.run("get", "hello", "--output", "json").stdout)
    (found,) = told["environments"]
    assert (told["app"], told["problems"], found["environment"]) == ("hello", [], "dev")
    web = found["objects"][1]
    assert (web["kind"], web["origin"], web["owner"]) == ("Deployment", "git", None)
    (replica_set,) = web["children"]
    (pod,) = replica_set["children"]
    assert (pod["origin"], pod["owner"]["name"], pod["health"]) == ("controller", "web-1", "Degraded")
    assert pod["logs"] == [{"container": "web", "previous": True, "lines": ["panic"]}]


def test_what_is_not_applied_yet_is_missing_and_what_left_git_is_told(app: RunningApp) -> None:
    app.begin("dev", "prod").apply("dev", configmap("dev", "old"))
    done = app.run("get", "hello")
    assert "old" in done.output
    assert "left Git" in done.output
    assert "hello in prod: Missing, not applied yet" in done.output


def test_what_the_account_may_not_read_is_unknown_and_said(app: RunningApp) -> None:
    app.begin("dev").apply("dev")
    app.api.forbidden |= {"secrets", "deployments"}
    done = app.run("get", "hello", "dev")
    assert done.exit_code == 0, done.output
    assert "Secret in dev: this account may not read it" in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("Deployment web")]
    assert "Unknown" in line


def test_an_environment_that_does_not_answer_is_an_error_beside_the_others(app: RunningApp) -> None:
    app.begin("dev", "prod").apply("dev")
    inventory = "/api/v1/namespaces/prod/configmaps/towpath-inventory-hello"
    app.api.objects[inventory] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    done = app.run("get", "hello", "--output", "json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert [each["environment"] for each in told["environments"]] == ["dev"]
    assert [each["environment"] for each in told["problems"]] == ["prod"]


def test_names_that_are_not_there_are_told_with_the_nearest(app: RunningApp) -> None:
    app.begin("dev").apply("dev")
    for arguments, says in (
        (("helo", "dev"), "Did you mean hello?"),
        (("helo",), "Did you mean hello?"),
        (("hello", "dve"), "Did you mean dev?"),
    ):
        done = app.run("get", *arguments)
        assert done.exit_code == 1
        assert says in str(done.exception)


def test_a_secret_of_the_kind_that_helm_keeps_is_there_too(app: RunningApp) -> None:
    app.begin("dev").apply("dev", {**secret("dev"), "type": "helm.sh/release.v1"})
    done = app.run("get", "hello", "dev")
    assert [line.split()[:3] for line in done.output.splitlines() if "Secret" in line] == [
        ["Secret", "db", "Healthy"]
    ]
