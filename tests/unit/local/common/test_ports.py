"""Ports: parsed, checked, and their holder told."""

import os
import socket

import pytest

from towpath.errors import MissingPartError, TerminalError, UnknownNameError
from towpath.local.common.ports import holder_of, is_busy, parse_ports, refuse_busy, refuse_clashes


def test_a_port_by_name() -> None:
    assert parse_ports(["registry=5001", "prefect=4201"]) == {"registry": 5001, "prefect": 4201}


@pytest.mark.parametrize(
    "text", ["registry", "registry=", "registry=x", "registry=0", "registry=65536", "registry=²"]
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(TerminalError, match="not a port number"):
        parse_ports([text])


def test_an_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean registry"):
        parse_ports(["registri=1"])


def test_two_parts_on_one_port_are_refused() -> None:
    with pytest.raises(TerminalError, match="registry and prefect are both 5000"):
        refuse_clashes({"registry": 5000, "prefect": 5000})


def test_a_busy_port_names_holder_and_way_out() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        number = server.getsockname()[1]
        assert is_busy(number)
        assert holder_of(number) is not None
        with pytest.raises(MissingPartError) as caught:
            refuse_busy({"registry": number})
    assert f"port {number} (registry) is in use by" in caught.value.message
    assert f"pid {os.getpid()}" in caught.value.message
    assert str(caught.value.remedy).endswith("towpath local up --port registry=N")


def test_a_free_port_is_free_and_nobody_s() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        number = server.getsockname()[1]
    assert not is_busy(number)
    assert holder_of(number) is None
    refuse_busy({"registry": number})
