"""The component table becomes supervisord's configuration."""

import configparser
import shlex

import pytest

from towpath.errors import TransientError
from towpath.local.common.stack import Stack
from towpath.local.lifecycle.supervisor import Supervisor, render
from towpath.local.parts.component import Component
from towpath.local.parts.components import components


def rendered(stack: Stack, *table: Component) -> configparser.ConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;", "\t;"), strict=True)
    parser.read_string(render(stack, table))
    return parser


def component(**fields: object) -> Component:
    defaults = {"name": "x", "purpose": "x", "command": ("x",), "ready": lambda _: None}
    return Component(**{**defaults, **fields})  # type: ignore[arg-type]


def test_every_component_is_a_program_that_starts_only_when_told(described: Stack) -> None:
    table = components(described)
    parser = rendered(described, *table)
    for one in table:
        section = parser[f"program:{one.name}"]
        assert section["autostart"] == "false"
        assert section["autorestart"] == "true"
        assert section["stopasgroup"] == section["killasgroup"] == "true"
        assert section["stdout_logfile"] == str(described.layout.log / f"{one.name}.log")
        assert int(section["stdout_logfile_maxbytes"]) > 0


def test_a_command_comes_out_as_it_went_in(described: Stack) -> None:
    command = ("/bin/sh", "-c", "echo 'a  b' ; exit 1", "100%", "--x=é")
    parser = rendered(described, component(command=command))
    text = parser["program:x"]["command"].replace("\\;", ";").replace("%%", "%")
    assert tuple(shlex.split(text)) == command


def test_a_variable_that_supervisord_cannot_carry_is_refused(described: Stack) -> None:
    with pytest.raises(ValueError, match="variable A"):
        render(described, [component(environment={"A": 'say "hi"'})])


def test_percent_signs_survive_supervisord_s_expansion(described: Stack) -> None:
    parser = rendered(described, component(environment={"A": "50%"}))
    assert parser["program:x"]["environment"] == 'A="50%%"'


def test_the_control_socket_is_closed_to_others(described: Stack) -> None:
    assert rendered(described)["unix_http_server"]["chmod"] == "0600"


def test_a_supervisor_that_is_not_there_is_not_up(described: Stack) -> None:
    assert not Supervisor(described).is_up()
    with pytest.raises(TransientError):
        Supervisor(described).processes()
