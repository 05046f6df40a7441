"""The verb's door: its options, and that the manifests call it as it is."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from towpath.cli.watch import command

MANIFEST = Path(__file__).parents[3] / "deployments/kubernetes/watch.yaml"


def objects() -> list[dict]:
    return list(yaml.safe_load_all(MANIFEST.read_text()))


def test_help_has_examples_and_every_option() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    for text in ("towpath watch prod", "--interval", "--metrics-address", "--notify-token-file", "SIGTERM"):
        assert text in shown


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["dev", "--interval", "0"],
        ["dev", "--notify-token-file", "/none"],
        ["dev", "--metrics-address", "4210"],
        ["dev", "--metrics-address", "127.0.0.1:none"],
        ["dev", "--metrics-address", "127.0.0.1:65536"],
        ["dev", "--metrics-address", "127.0.0.1:-1"],
    ],
)
def test_wrong_usage_is_told_also_where_there_is_no_server(
    wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    result = CliRunner().invoke(command, wrong)
    assert (result.exit_code, result.output.startswith("Usage:")) == (2, True), result.output


def test_help_does_not_import_prefect() -> None:
    code = "import sys; from towpath.cli.watch import command; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_manifest_s_command_is_one_that_the_verb_takes() -> None:
    (workload,) = [each for each in objects() if each["kind"] == "Deployment"]
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    program, verb, *arguments = container["command"]
    assert (program, verb) == ("towpath", "watch")
    with command.make_context("watch", list(arguments)) as context:
        assert context.params["environment"] == "prod"
        assert context.params["metrics_address"] == "0.0.0.0:9090"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_manifest_s_objects_fit_together() -> None:
    found = {(each["kind"], each["metadata"]["name"]) for each in objects()}
    for each in objects():
        for subject in each.get("subjects", ()):
            assert (subject["kind"], subject["name"]) in found
        if role := each.get("roleRef"):
            assert (role["kind"], role["name"]) in found
    (workload,) = [each for each in objects() if each["kind"] == "Deployment"]
    account = workload["spec"]["template"]["spec"]["serviceAccountName"]
    assert ("ServiceAccount", account) in found
