"""What `up` refuses before it starts anything."""

import pytest

from towpath.errors import MissingPartError
from towpath.local.common.stack import Options, Stack
from towpath.local.lifecycle.up import refuse_impossible

GIVEN = Options(kubeconfig="/k", docker_host="unix:///d")


def test_not_root_is_told_what_needs_it_and_the_way_out(described: Stack) -> None:
    with pytest.raises(MissingPartError, match="Kubernetes and a Docker Engine needs root") as caught:
        refuse_impossible(described, "Linux", 1000)
    assert "KUBECONFIG" in str(caught.value)


def test_not_linux_is_told(described: Stack) -> None:
    with pytest.raises(MissingPartError, match="needs Linux, not Darwin"):
        refuse_impossible(described, "Darwin", 501)


def test_with_everything_given_any_user_will_do(described: Stack) -> None:
    refuse_impossible(described.with_options(GIVEN), "Darwin", 501)
