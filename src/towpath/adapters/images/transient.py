"""What builders and registries say when a retry may help: they give no status to decide by."""

import re

_TRANSIENT = re.compile(
    r"connection refused|connection reset|i/o timeout|no such host|TLS handshake timeout|unexpected EOF|"
    r"broken pipe|^error: failed to [a-z ]{1,80}: Unavailable: |"  # gRPC's code, as buildctl tells it
    r"server misbehaving|Client\.Timeout|network is unreachable|toomanyrequests|connection error|"
    r"unexpected (?:HTTP )?status:? (?:from .{0,200})?(?:429|5\d\d)",
    re.IGNORECASE | re.MULTILINE,
)


def is_transient(message: str) -> bool:
    """Whether the network or a registry was in the way."""
    return bool(_TRANSIENT.search(message))
