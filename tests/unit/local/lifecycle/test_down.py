"""The order of stopping."""

from towpath.local.common.stack import Stack
from towpath.local.lifecycle.down import ORDER
from towpath.local.parts.components import components


def test_every_component_is_stopped_once(described: Stack) -> None:
    stopped = [name for wave in ORDER for name in wave if name != "containers"]
    assert sorted(stopped) == sorted(component.name for component in components(described))


def test_nothing_can_start_a_pod_again_once_containers_are_ended() -> None:
    waves = {name: number for number, wave in enumerate(ORDER) for name in wave}
    assert waves["kubelet"] < waves["containers"] < waves["containerd"]


def test_nobody_outlives_what_it_talks_to(described: Stack) -> None:
    waves = {name: number for number, wave in enumerate(ORDER) for name in wave}
    for component in components(described):
        for need in component.needs:
            if need in waves and need not in ("kube-controller-manager",):
                assert waves[component.name] < waves[need], f"{component.name} needs {need}"
