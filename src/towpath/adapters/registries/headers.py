"""What headers of a registry ask, and ours to it. Pure."""

import base64
from collections.abc import Mapping
from urllib.request import parse_http_list, parse_keqv_list


def basic_login(known: Mapping[str, str]) -> str:
    """The Authorization header of a user and a password."""
    pair = f"{known['username']}:{known['password']}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def parse_challenge(text: str) -> dict[str, str]:
    """The parameters of a WWW-Authenticate header: `realm="…",service="…"`."""
    return parse_keqv_list([part for part in parse_http_list(text) if part.partition("=")[2]])
