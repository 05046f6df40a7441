"""Which proxy leads to an API server: the kubeconfig's, or that of the environment by Go's rules."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from towpath.adapters.kubernetes.fields import KubeconfigError

SCHEMES = ("http", "https", "socks5")


def proxy_of(server: str, named: str, environ: Mapping[str, str]) -> SplitResult | None:
    """The proxy's URL; None: straight. `named` is the kubeconfig's `proxy-url`, which has no exceptions."""
    if named:
        return _parsed(named, "its `proxy-url`")
    address = urlsplit(server)
    kind = f"{address.scheme}_proxy"
    name = next((each for each in (kind.upper(), kind) if environ.get(each)), None)
    if name is None or _is_excepted(address, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    value = environ[name]
    return _parsed(value if "://" in value else f"http://{value}", name)


def _parsed(url: str, name: str) -> SplitResult:
    try:
        parsed = urlsplit(url)
        port = parsed.port
    except ValueError:
        raise KubeconfigError(f"{name} is no URL") from None
    if parsed.scheme not in SCHEMES or not parsed.hostname or port == 0:
        raise KubeconfigError(f"{name} is no URL of a proxy: it begins with {', '.join(SCHEMES)}")
    return parsed


def _is_excepted(address: SplitResult, exceptions: str) -> bool:
    host = (address.hostname or "").rstrip(".")
    port = str(address.port or (443 if address.scheme == "https" else 80))
    ip = _ip(host)
    if host == "localhost" or (ip is not None and ip.is_loopback):
        return True
    return any(
        _excepts(entry.strip().lower(), host, port, ip) for entry in exceptions.split(",") if entry.strip()
    )


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _excepts(entry: str, host: str, port: str, ip: _Address | None) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ip is not None and ip in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, wanted = _split_port(entry)
    if wanted not in ("", port):
        return False
    if (address := _ip(name)) is not None:
        return address == ip
    name = name[1:] if name.startswith("*.") else name
    return bool(name) and (host == name or host.endswith(name if name.startswith(".") else f".{name}"))


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and ":" not in name else (entry, "")


def _ip(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
