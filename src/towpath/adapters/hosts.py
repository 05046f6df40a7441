"""Hosts that answer whoever is inside a network, so that a URL of somebody else must not lead to them."""

import ipaddress
import socket

_METADATA = "metadata.google.internal"
_AMAZON = ipaddress.ip_address("fd00:ec2::254")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_metadata(host: str) -> bool:
    """Whether a host is written as a cloud's metadata service, which gives who is inside credentials."""
    address = _address(host)
    if address is None:
        return _plain(host) == _METADATA
    return address.is_link_local or address == _AMAZON


def leads_to_metadata(host: str) -> bool:
    """Whether a host is one, or has the address of one. What is not known by a name has none."""
    if is_metadata(host):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_metadata(str(each[4][0])) for each in found)


def is_private(host: str) -> bool:
    """Whether a host is written as this machine, an address of a private network, or a cloud's metadata."""
    address = _address(host)
    if address is None:
        return _plain(host) == "localhost" or _plain(host).endswith((".localhost", ".internal"))
    return not address.is_global


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _address(host: str) -> Address | None:
    """The address that is connected to: also of `0xA9FEA9FE`, `169.254.43518` or `::ffff:169.254.169.254`."""
    plain = _plain(host)
    try:
        if ":" not in plain:
            return ipaddress.IPv4Address(socket.inet_aton(plain)) if plain[:1].isdigit() else None
        address = ipaddress.IPv6Address(plain.partition("%")[0])
    except (OSError, ValueError):
        return None
    return address.ipv4_mapped or address
