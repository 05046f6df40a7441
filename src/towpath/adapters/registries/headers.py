"""What the headers of a registry say, and ours to it. Pure but for the time."""

import base64
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.request import parse_http_list, parse_keqv_list


def basic_login(known: Mapping[str, str]) -> str:
    """The Authorization header of a user and a password."""
    pair = f"{known['username']}:{known['password']}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def parse_challenge(text: str) -> dict[str, str]:
    """The parameters of a WWW-Authenticate header: `realm="…",service="…"`."""
    return parse_keqv_list([part for part in parse_http_list(text) if part.partition("=")[2]])


def wished_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that a registry asks to wait."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
