"""Who we are for a chart repository: by the environment, or by ~/.netrc, as curl and Git have it."""

import base64
import netrc
import os
from collections.abc import Mapping
from pathlib import Path

from towpath.errors import TerminalError
from towpath.redact import remember_secret

PREFIX = "TOWPATH_LOGIN_"
"""Before a host's name in capitals, `.` as `_` and `-` as `__`: `TOWPATH_LOGIN_CHARTS_EXAMPLE_COM`."""


def basic_login(host: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The Authorization header for a host without its port; None when nothing is known for it.

    TerminalError, which quotes nothing of it, for a variable or a netrc that cannot be read.
    """
    environ = os.environ if environ is None else environ
    name = variable_of(host)
    if name in environ:
        user, colon, password = environ[name].partition(":")
        if not colon:
            raise TerminalError(f"{name} must be USER:PASSWORD")
    else:
        found = _of_netrc(host, environ)
        if found is None:
            return None
        user, password = found
    remember_secret(password)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    remember_secret(token)
    return f"Basic {token}"


def variable_of(host: str) -> str:
    """The environment variable that has the login for a host."""
    return PREFIX + host.upper().replace("-", "__").replace(".", "_")


def _of_netrc(host: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    file = Path(environ.get("NETRC") or Path(environ.get("HOME") or Path.home()) / ".netrc")
    try:
        hosts = netrc.netrc(file).hosts
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        line = f", line {error.lineno}" if isinstance(error, netrc.NetrcParseError) else ""
        raise TerminalError(f"{file}{line}: cannot be read as a netrc") from error
    login = hosts.get(host)  # `default` would hand the same password to every host that asks
    return (login[0], login[2]) if login and login[2] else None
