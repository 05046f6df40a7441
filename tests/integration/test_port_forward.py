"""A Service inside the cluster is reached from this machine, or the error says why it is not."""

import urllib.request

import pytest

from tests.integration.running import RunningStack
from tests.integration.test_verify import service, web
from tests.integration.world import World
from towpath.adapters.port_forward import forwarded
from towpath.errors import TransientError

pytestmark = pytest.mark.integration


def test_a_service_is_reached_through_the_api_server(stack: RunningStack, world: World) -> None:
    kubectl = [str(world.kubectl_path), "--kubeconfig", str(world.kubeconfig)]
    world.objects = [web(f"{stack.registry}/base/busybox:1"), service()]
    told = r"Service .*/web cannot be reached through the API server"
    with pytest.raises(TransientError, match=told), forwarded(kubectl, world.namespace, "web", 80):
        pass
    world.sync()
    world.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
    with (
        forwarded(kubectl, world.namespace, "web", 80) as address,
        urllib.request.urlopen(f"http://{address}/", timeout=10) as answer,
    ):
        assert answer.read() == b"hello\n"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{address}/", timeout=10)
