"""Logs: the end of one, and what comes after it."""

import threading
from pathlib import Path

import pytest

from towpath.errors import UnknownNameError
from towpath.local.common.layout import Layout
from towpath.local.lifecycle.logs import follow, last_lines, log_of, tail


@pytest.mark.parametrize("count", [0, 1, 3, 10_000])
def test_the_last_lines_of_a_long_log(tmp_path: Path, count: int) -> None:
    lines = [f"line {number} {'x' * 50}" for number in range(5000)]
    (tmp_path / "log").write_text("\n".join(lines) + "\n")
    assert last_lines(tmp_path / "log", count) == (lines[-count:] if count else [])


def test_follow_goes_on_after_rotation(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a\nb\n")
    lines = follow(log, 1)
    assert next(lines) == "b"
    with log.open("a") as file:
        file.write("c\n")
    assert next(lines) == "c"
    log.rename(tmp_path / "log.1")
    log.write_text("d\n")
    assert next(lines) == "d"


def test_a_half_written_line_is_shown_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a\n")
    lines = follow(log, 1)
    assert next(lines) == "a"
    with log.open("a") as file:
        file.write("half")
        file.flush()
        threading.Timer(0.5, lambda: log.open("a").write(" and half\n")).start()
        assert next(lines) == "half and half"


def test_an_unknown_component_tells_the_nearest(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.log.mkdir()
    (layout.log / "etcd.log").write_text("")
    with pytest.raises(UnknownNameError, match="Did you mean etcd"):
        log_of(layout, "etcdd")


def test_a_component_that_wrote_nothing_has_an_empty_tail(tmp_path: Path) -> None:
    assert tail(Layout(tmp_path), "etcd", 5) == ""
