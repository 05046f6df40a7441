"""printable.py: nothing that a terminal obeys comes through."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.printable import headline, printable


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("plain ✓ äöü\n\tindented", "plain ✓ äöü\n\tindented"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone?", "gone?"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("\x1b]0;never ended", " ]0;never ended"),
        ("fake\rline", "fake line"),
        ("abc\u202egpj.exe", "abc gpj.exe"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(given_text: str, shown: str) -> None:
    assert printable(given_text) == shown


@given(st.text(alphabet=st.sampled_from("\x1b\x9b\x9d\x07\x9c[]0;m\\ab\n\t\r\x00\u202e")))
def test_no_control_character_is_left_and_twice_is_once(text: str) -> None:
    once = printable(text)
    assert printable(once) == once
    assert not [char for char in once if unicodedata.category(char) == "Cc" and char not in "\n\t"]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", ""),
        ("one\ntwo", "one"),
        ("not healthy:\n  Deployment a: Degraded\n  event", "not healthy: Deployment a: Degraded"),
        ("not healthy:", "not healthy:"),
    ],
)
def test_a_headline_does_not_end_where_it_announces_what_is_wrong(message: str, line: str) -> None:
    assert headline(message) == line
