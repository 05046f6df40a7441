"""Who we are for a chart repository is never printed, and told to that host alone."""

import base64
from pathlib import Path

import pytest

from towpath.adapters.vendor.logins import basic_login, variable_of
from towpath.errors import TerminalError
from towpath.redact import redact_known


def basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def test_the_environment_goes_before_netrc(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine charts.example.com login bob password from-netrc-1\n")
    file.chmod(0o600)
    environ = {"NETRC": str(file)}
    assert basic_login("charts.example.com", environ) == basic("bob:from-netrc-1")
    environ[variable_of("charts.example.com")] = "ann:of:the-variable"
    assert basic_login("charts.example.com", environ) == basic("ann:of:the-variable")
    assert "the-variable" not in redact_known("the password of:the-variable was refused")


def test_a_default_of_netrc_is_for_nobody(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("default login bob password hunter2hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert basic_login("charts.example.com", {"HOME": str(tmp_path)}) is None
    assert basic_login("charts.example.com", {"HOME": str(tmp_path / "none")}) is None


def test_two_hosts_have_two_variables() -> None:
    names = {variable_of(each) for each in ("a-b.com", "a.b.com", "ab.com", "a--b.com")}
    assert len(names) == 4
    assert variable_of("charts.example.com") == "TOWPATH_LOGIN_CHARTS_EXAMPLE_COM"


def test_what_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="must be USER:PASSWORD") as caught:
        basic_login("e.com", {"TOWPATH_LOGIN_E_COM": "hunter2hunter2"})
    assert "hunter2" not in str(caught.value)
    (tmp_path / ".netrc").write_text("machine e.com login bob\nhunter2hunter2 x\n")
    with pytest.raises(TerminalError, match=r"netrc, line \d+") as caught:
        basic_login("e.com", {"HOME": str(tmp_path)})
    assert "hunter2" not in str(caught.value)
