"""The `format` of texts in CustomResourceDefinitions, as an API server judges them (Kubernetes 1.35, asked).

An empty text has none of them. Formats that are not here (`hostname`, `email`, `password`) are not judged.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

from towpath.schemas.texts import LABEL, is_address, is_network, is_subdomain

_MAC = re.compile(
    r"([0-9a-f]{2}(?P<sign>[:-])([0-9a-f]{2}(?P=sign)){4}[0-9a-f]{2}|[0-9a-f]{12}|([0-9a-f]{4}\.){2}[0-9a-f]{4}"
    r"|([0-9a-f]{2}:){7}[0-9a-f]{2})\Z",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\Z", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})([.,][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z",
    re.ASCII,
)
_DURATION = re.compile(r"0\Z|.*[0-9]\s?[a-zA-Zµμ]", re.DOTALL)
_URI = re.compile(r"(/|[A-Za-z][-+.A-Za-z0-9]*:)\S*\Z")


@dataclass(frozen=True, slots=True)
class CustomFormat:
    """`noun` says what a text of this format is."""

    noun: str
    matches: Callable[[str], bool]


def _is_date(text: str) -> bool:
    if not _DATE.match(text):
        return False
    year, month, day = (int(part) for part in text.split("-"))
    try:
        datetime.date(max(year, 4), month, day)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    match = _DATE_TIME.match(text)
    if not match or not _is_date(match[1]):
        return False
    hour, minute, second = (int(part) for part in match[2].split(":"))
    return hour < 24 and minute < 60 and second <= 60


def _is_ipv6(text: str) -> bool:
    return ":" in text and "%" not in text and is_address(text)


def _is_cidr(text: str) -> bool:
    _, _, bits = text.partition("/")
    return bits.isdecimal() and is_network(text)


CUSTOM_FORMATS: dict[str, CustomFormat] = {
    "cidr": CustomFormat("a network such as 10.0.0.0/8", _is_cidr),
    "date": CustomFormat("a date such as 2026-01-31", _is_date),
    "date-time": CustomFormat("a time such as 2026-01-31T12:00:00Z", _is_date_time),
    "duration": CustomFormat("a duration such as 90s", lambda text: bool(_DURATION.match(text))),
    "ipv4": CustomFormat("an IPv4 address", lambda text: "." in text and is_address(text)),
    "ipv6": CustomFormat("an IPv6 address", _is_ipv6),
    "k8s-long-name": CustomFormat("a name of lower-case letters, digits, `-` and `.`", is_subdomain),
    "k8s-short-name": CustomFormat(
        "at most 63 lower-case letters, digits and `-`", lambda text: bool(LABEL.match(text))
    ),
    "mac": CustomFormat("a MAC address", lambda text: bool(_MAC.match(text))),
    "uri": CustomFormat("a URI or an absolute path", lambda text: bool(_URI.match(text))),
    "uuid": CustomFormat("a UUID", lambda text: bool(_UUID.match(text))),
}
PREFIX = "custom-"
"""Before the name of the format in a JSON Schema: built-in kinds have other rules under the same names."""
