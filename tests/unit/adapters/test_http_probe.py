"""Which addresses a smoke check may ask: whoever pushes to the environment repository names them."""

import pytest

from towpath.adapters.http_probe import ask
from towpath.errors import RefusedError


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://METADATA.google.internal./computeMetadata/v1/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/latest/",
    ],
)
def test_no_metadata_service_is_asked(url: str) -> None:
    with pytest.raises(RefusedError, match="a link-local host is not asked"):
        ask(url, timeout=0.01)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        ask(url, timeout=0.01)
