"""Which parts are the stack's own, and which were given."""

from dataclasses import replace
from pathlib import Path

import pytest

from towpath.errors import TerminalError
from towpath.local.common.options import Wish, decide, engine, foreign, refuse_malformed
from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import Options, Stack

NO_ENGINE = {"DOCKER_HOST": "unix:///given.sock"}


def told(described: Stack, wish: Wish, environ: dict[str, str] | None = None, **rest: object) -> Options:
    remembered = rest.get("remembered")
    assert remembered is None or isinstance(remembered, Options)
    running = bool(rest.get("running"))
    return decide(described.layout, remembered, wish, {**NO_ENGINE, **(environ or {})}, running=running)


def test_nothing_said_means_all_own_on_default_ports(described: Stack) -> None:
    options = told(described, Wish())
    assert options.ports == DEFAULT_PORTS
    assert options.kubeconfig is options.registry is options.environments is None
    assert options.subnet == described.layout.subnet


def test_ports_are_remembered(described: Stack) -> None:
    first = told(described, Wish(ports=("registry=5001",)))
    first.save(described.layout)
    again = told(described, Wish(ports=("prefect=4201",)), remembered=Options.load(described.layout))
    assert again.ports == {**DEFAULT_PORTS, "registry": 5001, "prefect": 4201}


def test_kubeconfig_of_the_environment_is_used(described: Stack, tmp_path: Path) -> None:
    given = tmp_path / "kubeconfig"
    given.write_text("{}")
    assert told(described, Wish(), {"KUBECONFIG": str(given)}).kubeconfig == str(given)


def test_our_own_kubeconfig_in_the_environment_is_not_a_given_one(described: Stack) -> None:
    own = str(described.layout.kubeconfig("admin"))
    assert told(described, Wish(), {"KUBECONFIG": own}).kubeconfig is None
    assert foreign(described.docker_host, described.layout) is None


def test_a_kubeconfig_that_is_not_there_says_the_way_out(described: Stack) -> None:
    with pytest.raises(TerminalError, match="Unset KUBECONFIG"):
        told(described, Wish(), {"KUBECONFIG": "/nowhere"})


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(subnet="x"), "--subnet x"),
        (Wish(subnet="10.99.0.1/24"), "--subnet 10.99.0.1/24"),
        (Wish(subnet="10.99.0.0/30"), "too small"),
        (Wish(registry="x"), "--registry x"),
        (Wish(registry="https://registry.example.com"), "HOST:PORT"),
        (Wish(registry="registry.example.com/team"), "HOST:PORT"),
        (Wish(ports=("prefect=http",)), "http is no port number"),
        (Wish(ports=("prefect=65536",)), "65536 is no port number"),
        (Wish(ports=("prefekt=4200",)), "Did you mean prefect"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_starts(wish: Wish, said: str) -> None:
    with pytest.raises(TerminalError, match=said):
        refuse_malformed(wish)


@pytest.mark.parametrize("registry", ["127.0.0.1:5001", "registry.example.com", "localhost:5000", "r:5000"])
def test_a_registry_is_a_host_with_or_without_a_port(described: Stack, registry: str) -> None:
    assert told(described, Wish(registry=registry)).registry == registry


def test_a_running_stack_keeps_its_options(described: Stack) -> None:
    running = replace(Options(), registry="r.example")
    assert told(described, Wish(registry="r.example"), remembered=running, running=True) == running
    with pytest.raises(TerminalError, match="towpath local down"):
        told(described, Wish(registry="other.example"), remembered=running, running=True)


def test_clashing_ports_are_refused(described: Stack) -> None:
    with pytest.raises(TerminalError, match="are both 4200"):
        told(described, Wish(ports=("registry=4200",)))


def test_docker_host_decides_the_engine(described: Stack) -> None:
    assert engine({"DOCKER_HOST": "tcp://engine:2375"}, described.layout) == "tcp://engine:2375"
