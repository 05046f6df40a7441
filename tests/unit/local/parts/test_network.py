"""The pods' network must not be one that the machine uses."""

from dataclasses import replace
from pathlib import Path

import pytest

from towpath.errors import MissingPartError
from towpath.local.common.stack import Stack
from towpath.local.parts.network import mounts_below, refuse_clash, routes


def test_a_network_that_the_machine_routes_is_refused(described: Stack) -> None:
    own = [network for _, network in routes() if network.prefixlen]
    if not own:
        pytest.skip("needs a network")
    stack = described.with_options(replace(described.options, subnet=str(own[0])))
    with pytest.raises(MissingPartError, match="--subnet"):
        refuse_clash(stack)


def test_a_free_network_is_accepted(described: Stack) -> None:
    refuse_clash(described.with_options(replace(described.options, subnet="198.18.199.0/24")))


def test_mounts_below_a_folder_come_innermost_first() -> None:
    mounts = mounts_below(Path("/proc"))
    assert mounts[-1] == "/proc"
    assert mounts_below(Path("/no/such/folder")) == []
