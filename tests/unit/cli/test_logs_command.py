"""`towpath logs`, as who knows `kubectl logs` expects it."""

import json
from itertools import islice

import pytest

from tests.unit.cli.running_app import RunningApp
from tests.unit.cli.test_get_command import SECRET, secret
from towpath.adapters.kubernetes import LogQuery
from towpath.cli.logs import _lines
from towpath.engine.operate.pod_logs import Choice


@pytest.fixture
def logged(app: RunningApp) -> RunningApp:
    """One pod in dev that wrote twelve lines."""
    app.begin("dev", "prod").apply("dev")
    app.api.logs["web-1-a", "web"] = "".join(f"line {number}\n" for number in range(1, 13))
    return app


def second_pod(app: RunningApp) -> None:
    app.api.add(app.pod("dev", "web-1-b"))
    app.api.logs["web-1-b", "web"] = "other\n"


def test_the_log_of_one_pod_is_printed_whole_and_as_it_is(logged: RunningApp) -> None:
    done = logged.run("logs", "hello", "dev")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [f"line {number}" for number in range(1, 13)]


def test_of_several_pods_ten_lines_each_with_whose_they_are(logged: RunningApp) -> None:
    second_pod(logged)
    lines = logged.run("logs", "hello", "dev").stdout.splitlines()
    assert lines == [*(f"web-1-a/web: line {number}" for number in range(3, 13)), "web-1-b/web: other"]


def test_without_environment_each_line_names_it(logged: RunningApp) -> None:
    second_pod(logged)
    lines = logged.run("logs", "hello", "--tail", "1").stdout.splitlines()
    assert lines == ["dev/web-1-a/web: line 12", "dev/web-1-b/web: other"]


def test_tail_since_previous_and_timestamps_are_asked_of_the_api_server(logged: RunningApp) -> None:
    logged.api.logs["web-1-a", "web-previous"] = "before\n"
    done = logged.run("logs", "hello", "dev", "--tail", "5", "--since", "1m30s", "--previous", "--timestamps")
    assert done.stdout == "2026-01-01T00:00:00.5Z before\n"
    (asked,) = [each for each in logged.api.requests if "/log?" in each]
    assert set(asked.partition("?")[2].split("&")) == {
        "container=web", "tailLines=5", "sinceSeconds=90", "previous=true", "timestamps=true",
    }  # fmt: skip


def test_json_is_one_object_a_line(logged: RunningApp) -> None:
    lines = logged.run("logs", "hello", "dev", "--tail", "2", "--output", "json").stdout.splitlines()
    assert json.loads(lines[0]) == {
        "environment": "dev",
        "namespace": "dev",
        "pod": "web-1-a",
        "container": "web",
        "time": "2026-01-01T00:00:00.5Z",
        "line": "line 11",
    }
    assert len(lines) == 2


def test_values_of_secrets_and_control_characters_are_not_printed(logged: RunningApp) -> None:
    logged.api.add(secret("dev"))
    logged.api.logs["web-1-a", "web"] = f"\x1b[2Jconnect with {SECRET}\nAuthorization: Bearer abcdefghijkl\n"
    done = logged.run("logs", "hello", "dev")
    assert done.stdout == "connect with ***\nAuthorization: Bearer ***\n"


def test_a_key_and_a_secret_over_several_lines_are_not_printed(logged: RunningApp) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n"
    logged.api.logs["web-1-a", "web"] = f"{key}kind: Secret\ndata:\n  a: c2VjcmV0\nup\n"
    for more in ((), ("--output", "json")):
        done = logged.run("logs", "hello", "dev", *more)
        assert done.exit_code == 0, done.output
        assert "MIIEvQ" not in done.stdout
        assert "c2VjcmV0" not in done.stdout
        assert "up" in done.stdout.splitlines()[-1]


def test_who_may_not_read_secrets_is_told_what_that_means(logged: RunningApp) -> None:
    logged.api.forbidden.add("secrets")
    done = logged.run("logs", "hello", "dev")
    assert done.exit_code == 0
    assert "may not read Secrets" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "container"),
    [((), "web"), (("--container", "proxy"), "proxy"), (("-c", "setup"), "setup")],
)
def test_the_first_container_is_meant_unless_one_is_named(
    logged: RunningApp, arguments: tuple[str, ...], container: str
) -> None:
    pod = next(each for each in logged.api.objects.values() if each["kind"] == "Pod")
    pod["spec"]["containers"].append({"name": "proxy", "image": "x"})
    pod["spec"]["initContainers"] = [{"name": "setup", "image": "x"}]
    for name in ("web", "proxy", "setup"):
        logged.api.logs["web-1-a", name] = f"I am {name}\n"
    assert logged.run("logs", "hello", "dev", *arguments).stdout == f"I am {container}\n"


def test_an_annotation_says_which_container_is_meant_and_all_can_be_asked_for(logged: RunningApp) -> None:
    pod = next(each for each in logged.api.objects.values() if each["kind"] == "Pod")
    pod["spec"]["containers"].append({"name": "proxy", "image": "x"})
    pod["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "proxy"}
    logged.api.logs["web-1-a", "proxy"] = "I am proxy\n"
    assert logged.run("logs", "hello", "dev").stdout == "I am proxy\n"
    lines = logged.run("logs", "hello", "dev", "--all-containers", "--tail", "1").stdout.splitlines()
    assert lines == ["web-1-a/web: line 12", "web-1-a/proxy: I am proxy"]


def test_a_container_that_has_not_begun_is_told_and_stops_no_other(logged: RunningApp) -> None:
    logged.api.add(logged.pod("dev", "web-1-0"))
    lines = logged.run("logs", "hello", "dev", "--tail", "1").stdout.splitlines()
    assert lines[0].startswith("web-1-0/web: (no log: ")
    assert lines[1] == "web-1-a/web: line 12"


def test_pods_of_others_in_the_namespace_are_not_the_apps(logged: RunningApp) -> None:
    other = logged.pod("dev", "other")
    del other["metadata"]["ownerReferences"]
    logged.api.add(other)
    logged.api.logs["other", "web"] = "not mine\n"
    assert "not mine" not in logged.run("logs", "hello", "dev").stdout


def test_what_is_not_there_is_an_error(logged: RunningApp) -> None:
    for arguments, says in (
        (("hello", "prod"), "hello has no pod in prod"),
        (("hello", "dev", "-c", "wbe"), "Did you mean web?"),
        (("helo", "dev"), "Did you mean hello?"),
    ):
        done = logged.run("logs", *arguments)
        assert done.exit_code == 1
        assert says in str(done.exception)


@pytest.mark.parametrize(
    "arguments",
    [("--follow", "--previous"), ("-c", "web", "--all-containers"), ("--since", "soon"), ("--tail", "-1")],
)
def test_what_does_not_go_together_is_wrong_usage(logged: RunningApp, arguments: tuple[str, ...]) -> None:
    assert logged.run("logs", "hello", "dev", *arguments).exit_code == 2


def test_following_tells_each_line_once_with_its_pod_and_takes_up_new_pods(logged: RunningApp) -> None:
    second_pod(logged)
    lines, prefixed = _lines("hello", "dev", None, Choice(), LogQuery(tail=2), follow=True)
    assert prefixed
    found = iter(lines)
    begun = {(line.source.pod, line.text) for line in islice(found, 3)}
    assert begun == {("web-1-a", "line 11"), ("web-1-a", "line 12"), ("web-1-b", "other")}
    logged.api.logs["web-1-c", "web"] = "I am new\n"
    logged.api.add(logged.pod("dev", "web-1-c"))
    assert next(found).text == "I am new"
    found.close()  # type: ignore[attr-defined]
