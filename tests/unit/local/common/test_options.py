"""Which parts are the stack's own, and which were given."""

from dataclasses import replace
from pathlib import Path

import pytest

from towpath.errors import TerminalError
from towpath.local.common.options import (
    RequestedOptions,
    decide_options,
    external,
    external_engine,
    refuse_malformed,
)
from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import Options, Stack

NO_ENGINE = {"DOCKER_HOST": "unix:///given.sock"}


def told(
    described: Stack, wish: RequestedOptions, environ: dict[str, str] | None = None, **rest: object
) -> Options:
    remembered = rest.get("remembered")
    assert remembered is None or isinstance(remembered, Options)
    running = bool(rest.get("running"))
    return decide_options(
        described.layout, remembered, wish, {**NO_ENGINE, **(environ or {})}, running=running
    )


def test_nothing_said_means_all_own_on_default_ports(described: Stack) -> None:
    options = told(described, RequestedOptions())
    assert options.ports == DEFAULT_PORTS
    assert options.kubeconfig is options.registry is options.environments is None
    assert options.subnet == described.layout.subnet


def test_ports_are_remembered(described: Stack) -> None:
    first = told(described, RequestedOptions(ports=("registry=5001",)))
    first.save(described.layout)
    again = told(
        described, RequestedOptions(ports=("prefect=4201",)), remembered=Options.load(described.layout)
    )
    assert again.ports == {**DEFAULT_PORTS, "registry": 5001, "prefect": 4201}


def test_kubeconfig_of_the_environment_is_used(described: Stack, tmp_path: Path) -> None:
    given = tmp_path / "kubeconfig"
    given.write_text("{}")
    assert told(described, RequestedOptions(), {"KUBECONFIG": str(given)}).kubeconfig == str(given)


def test_our_own_kubeconfig_in_the_environment_is_not_a_given_one(described: Stack) -> None:
    own = str(described.layout.kubeconfig("admin"))
    assert told(described, RequestedOptions(), {"KUBECONFIG": own}).kubeconfig is None
    assert external(described.docker_host, described.layout) is None


def test_a_kubeconfig_that_is_not_there_says_the_way_out(described: Stack) -> None:
    with pytest.raises(TerminalError, match="Unset KUBECONFIG"):
        told(described, RequestedOptions(), {"KUBECONFIG": "/nowhere"})


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (RequestedOptions(subnet="x"), "--subnet x"),
        (RequestedOptions(subnet="10.99.0.1/24"), "--subnet 10.99.0.1/24"),
        (RequestedOptions(subnet="10.99.0.0/30"), "too small"),
        (RequestedOptions(registry="x"), "--registry x"),
        (RequestedOptions(registry="https://registry.example.com"), "HOST:PORT"),
        (RequestedOptions(registry="registry.example.com/team"), "HOST:PORT"),
        (RequestedOptions(ports=("prefect=http",)), "http is not a port number"),
        (RequestedOptions(ports=("prefect=65536",)), "65536 is not a port number"),
        (RequestedOptions(ports=("prefekt=4200",)), "Did you mean prefect"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_starts(wish: RequestedOptions, said: str) -> None:
    with pytest.raises(TerminalError, match=said):
        refuse_malformed(wish)


@pytest.mark.parametrize("registry", ["127.0.0.1:5001", "registry.example.com", "localhost:5000", "r:5000"])
def test_a_registry_is_a_host_with_or_without_a_port(described: Stack, registry: str) -> None:
    assert told(described, RequestedOptions(registry=registry)).registry == registry


def test_a_running_stack_keeps_its_options(described: Stack) -> None:
    running = replace(Options(), registry="r.example")
    assert (
        told(described, RequestedOptions(registry="r.example"), remembered=running, running=True) == running
    )
    with pytest.raises(TerminalError, match="towpath local down"):
        told(described, RequestedOptions(registry="other.example"), remembered=running, running=True)


def test_clashing_ports_are_refused(described: Stack) -> None:
    with pytest.raises(TerminalError, match="are both 4200"):
        told(described, RequestedOptions(ports=("registry=4200",)))


def test_docker_host_decides_the_engine(described: Stack) -> None:
    assert external_engine({"DOCKER_HOST": "tcp://engine:2375"}, described.layout) == "tcp://engine:2375"
