"""Unit tests know nothing of the machine: neither its cluster and servers nor a local stack that is up."""

import os

import pytest

from towpath.settings import STACK_VARIABLES

_NAMED_BY_US = ("TOWPATH_HOME", "TOWPATH_CONTEXT", "KUBERNETES_SERVICE_HOST")


def pytest_configure(config: pytest.Config) -> None:
    for name in (*STACK_VARIABLES, *_NAMED_BY_US):
        os.environ.pop(name, None)
