"""The environment's lock says what is in its way: nobody made it, or nobody answers."""

import socket

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.runs.lock import environment_lock
from towpath.errors import MissingPartError, TransientError


def test_a_lock_that_nobody_made_is_missing(prefect_server: None) -> None:
    with (
        pytest.raises(MissingPartError, match="environment nowhere is not set up"),
        environment_lock("nowhere"),
    ):
        pass


def test_a_server_that_does_not_answer_may_come_back() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api"
        with (
            temporary_settings({PREFECT_API_URL: url}),
            pytest.raises(TransientError, match="could not give the lock of environment away"),
            environment_lock("away"),
        ):
            pass
