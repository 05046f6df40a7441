"""Boundaries of the local stack: what an environment's account, its pods and a web page cannot do."""

import json
from pathlib import Path

import httpx
import pytest

from tests.integration.running import RunningStack
from towpath.local.programs.tools import require

pytestmark = pytest.mark.integration


def kubectl(stack: RunningStack, who: str, *arguments: str) -> tuple[int, str]:
    from towpath.adapters.process import run

    command = [require("kubectl", stack.settings), "--kubeconfig", stack.layout.kubeconfig(who), *arguments]
    done = run(command, codes=range(256), timeout=90)
    return done.code, done.stdout + done.stderr


def pod(namespace: str, **spec: object) -> str:
    """A pod as JSON; `spec` holds what it asks of its node."""
    container = {"name": "c", "image": "registry.example.com/none", **spec.pop("container", {})}  # type: ignore[dict-item]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "harmless-", "namespace": namespace},
            "spec": {"containers": [container], **spec},
        }
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"hostNetwork": True},
        {"hostPID": True},
        {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
        {"container": {"securityContext": {"privileged": True}}},
        {"container": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}},
        {"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}},
    ],
)
def test_a_pod_of_an_environment_gets_nothing_of_its_node(
    stack: RunningStack, tmp_path: Path, asked: dict[str, object]
) -> None:
    file = tmp_path / "pod.json"
    file.write_text(pod("dev", **asked))
    code, text = kubectl(stack, "dev", "create", "--dry-run=server", "-f", str(file))
    assert (code, "violates PodSecurity" in text) == (1, True), text
    file.write_text(pod("dev"))
    assert kubectl(stack, "dev", "create", "--dry-run=server", "-f", str(file))[0] == 0


@pytest.mark.parametrize(
    "label", ["enforce=privileged", "enforce-version=v1.20", "enforce=", "enforce=Privileged"]
)
def test_an_account_cannot_loosen_the_pod_security_of_its_namespace(stack: RunningStack, label: str) -> None:
    name = f"pod-security.kubernetes.io/{label}"
    code, text = kubectl(stack, "dev", "label", "namespace", "dev", name, "--overwrite", "--dry-run=server")
    assert (code, "orbidden" in text or "nvalid" in text) == (1, True), text
    stricter = "pod-security.kubernetes.io/enforce=restricted"
    assert kubectl(stack, "dev", "label", "namespace", "dev", stricter, "--dry-run=server")[0] == 0


@pytest.mark.parametrize(
    "header",
    [("Origin", "https://attacker.example.com"), ("Origin", "null"), ("Host", "attacker.example.com")],
)
def test_a_page_of_another_site_does_not_reach_the_prefect_api(
    stack: RunningStack, header: tuple[str, str]
) -> None:
    url = f"{stack.stack.prefect_api}/flow_runs/filter"
    assert httpx.post(url, json={}, headers=dict([header])).status_code == 403
    asked = {"Origin": f"http://localhost:{stack.stack.port('prefect')}"}
    answer = httpx.post(url, json={}, headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, asked["Origin"])
