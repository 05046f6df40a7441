"""The table of components: what runs, what it needs, what it sees."""

from dataclasses import replace

import pytest

from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import POOLS, Options, Stack
from towpath.local.lifecycle.steps import setup_steps
from towpath.local.parts.components import components
from towpath.local.parts.process_environment import agent_environment

OWN = {
    "prefect-server",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "registry",
    "docker",
    "fork-server",
    *(f"agent-{pool}" for pool in POOLS),
}
CLUSTER = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet"}


def names(stack: Stack) -> set[str]:
    return {component.name for component in components(stack)}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (Options(), set()),
        (Options(kubeconfig="/k"), CLUSTER),
        (Options(registry="registry.example:443"), {"registry"}),
        (Options(docker_host="unix:///var/run/docker.sock"), {"docker"}),
    ],
)
def test_what_is_given_is_not_started(described: Stack, options: Options, missing: set[str]) -> None:
    assert names(described.with_options(options)) == OWN - missing


@pytest.mark.parametrize("options", [Options(), Options(kubeconfig="/k", registry="r", environments="e")])
def test_every_need_is_met_and_none_in_a_circle(described: Stack, options: Options) -> None:
    stack = described.with_options(options)
    waiting = {one.name: set(one.needs) for one in (*components(stack), *setup_steps(stack))}
    while waiting:
        startable = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        assert startable, f"these wait for each other: {waiting}"
        for name in startable:
            del waiting[name]
    known = {one.name for one in (*components(stack), *setup_steps(stack))}
    needed = {need for one in (*components(stack), *setup_steps(stack)) for need in one.needs}
    assert needed <= known


def test_every_port_belongs_to_one_component_whose_command_or_configuration_names_it(
    described: Stack,
) -> None:
    owners = [name for component in components(described) for name in component.ports]
    assert sorted(owners) == sorted(DEFAULT_PORTS)


def test_a_changed_port_reaches_every_command(described: Stack) -> None:
    ports = {name: number + 20000 for name, number in DEFAULT_PORTS.items()}
    stack = described.with_options(replace(described.options, ports=ports))
    text = " ".join(part for one in components(stack) for part in (*one.command, *one.environment.values()))
    for name, number in DEFAULT_PORTS.items():
        if name in ("registry", "kubelet", "kubelet-health"):
            continue  # in their configuration files
        assert f"{number + 20000}" in text
        assert f":{number}" not in text
        assert f"={number}" not in text


def test_the_build_agent_sees_no_cluster_and_the_others_no_engine(described: Stack) -> None:
    assert "KUBECONFIG" not in agent_environment(described, "build")
    for environment in POOLS[1:]:
        seen = agent_environment(described, environment)
        assert "DOCKER_HOST" not in seen
        assert seen["KUBECONFIG"] == str(described.layout.kubeconfig(environment))


def test_agents_share_no_home_and_cannot_fall_back_to_the_admin(described: Stack) -> None:
    environments = [one.environment for one in components(described) if one.name.startswith("agent-")]
    assert len(environments) == len(POOLS)
    for name in ("HOME", "PREFECT_HOME", "TOWPATH_HOME"):
        assert len({environment[name] for environment in environments}) == len(environments)
        assert str(described.settings.home) not in [environment[name] for environment in environments]


def test_nothing_of_the_caller_s_environment_is_inherited(
    described: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "KUBECONFIG", "SSH_AUTH_SOCK", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, "the-caller-s")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    for component in components(described):
        assert "the-caller-s" not in component.environment.values()
    assert agent_environment(described, "dev")["HTTPS_PROXY"] == "http://proxy:3128"


def test_a_given_repository_and_registry_come_with_the_caller_s_way_in(
    described: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    monkeypatch.setenv("DOCKER_CONFIG", "/docker")
    stack = described.with_options(Options(environments="ssh://git.example/e.git", registry="r.example"))
    seen = agent_environment(stack, "dev")
    assert (seen["SSH_AUTH_SOCK"], seen["DOCKER_CONFIG"]) == ("/agent", "/docker")
    assert seen["TOWPATH_GIT_ALLOW_FILE"] == "0"


def test_the_server_keeps_its_leases_on_disk_and_forgets_old_runs(described: Stack) -> None:
    server = next(one for one in components(described) if one.name == "prefect-server")
    assert server.environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")
    assert "flow_runs" in server.environment["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"]
    assert server.environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert server.environment["PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS"] == "120"
