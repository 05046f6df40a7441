import pytest

from towpath.adapters.images.transient import is_transient


@pytest.mark.parametrize(
    ("message", "transient"),
    [
        (
            "error: failed to call info: Unavailable: write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe",
            True,
        ),
        ("error: failed to list workers: Unavailable: connection error: desc = error reading preface", True),
        ("error: failed to solve: failed to do request: dial tcp: lookup x: no such host", True),
        ("unexpected status from GET request to https://x/v2/: 503 Service Unavailable", True),
        ("error: failed to solve: Unimplemented: unknown service", False),
        ("E: package unavailable: busybox", False),
        ("error: failed to solve: process did not complete successfully: exit code: 1", False),
    ],
)
def test_a_retry_helps_where_the_network_or_a_registry_was_in_the_way(message: str, transient: bool) -> None:
    assert is_transient(message) is transient
