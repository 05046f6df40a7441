"""deployments/kubernetes/door.yaml: a real API server takes it, under the strictest Pod Security."""

from collections.abc import Iterator

import pytest
import yaml

from tests.integration.running import RunningStack
from tests.integration.world import World, throw_away
from towpath.local.common.stack import PROJECT

pytestmark = [pytest.mark.integration]

MANIFEST = PROJECT / "deployments/kubernetes/door.yaml"


@pytest.fixture
def home(stack: RunningStack) -> Iterator[World]:
    with throw_away(stack.settings) as made:
        yield made


def test_an_api_server_takes_every_object(home: World) -> None:
    namespace, *objects = yaml.safe_load_all(MANIFEST.read_text())
    labels = [f"{name}={value}" for name, value in namespace["metadata"]["labels"].items()]
    home.kubectl("label", "namespace", home.namespace, *labels)
    for each in objects:
        each["metadata"]["namespace"] = home.namespace
    strict = ("apply", "--server-side", "--validate=strict", "-o", "name", "-f", "-")
    done = home.kubectl(*strict, text=yaml.safe_dump_all(objects))
    assert sorted(done.split()) == [
        "configmap/towpath-door",
        "deployment.apps/towpath-door",
        "ingress.networking.k8s.io/towpath-door",
        "networkpolicy.networking.k8s.io/towpath-door",
        "service/towpath-door",
    ]
    (workload,) = [each for each in objects if each["kind"] == "Deployment"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "door", "namespace": home.namespace},
        "spec": workload["spec"]["template"]["spec"],
    }
    assert home.kubectl(*strict, "--dry-run=server", text=yaml.safe_dump(pod)).strip() == "pod/door"
