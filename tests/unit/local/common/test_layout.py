"""Two stacks on one machine share no name."""

import tempfile
from pathlib import Path

import pytest

from towpath.errors import MissingPartError
from towpath.local.common.layout import DEFAULT_HOME, Layout


def test_two_stacks_differ_in_everything_outside_of_their_folders() -> None:
    one, two = Layout(Path("/a/local")), Layout(Path("/b/local"))
    for name in ("identity", "bridge", "cgroup", "subnet"):
        assert getattr(one, name) != getattr(two, name)


def test_the_default_stack_has_readable_names() -> None:
    layout = Layout(DEFAULT_HOME.expanduser() / "local")
    assert (layout.bridge, layout.subnet) == ("towpath0", "10.244.77.0/24")


@pytest.mark.parametrize("number", range(50))
def test_an_interface_s_name_fits_the_kernel(number: int) -> None:
    assert len(Layout(Path(f"/{number}/local")).bridge) <= 15


def test_folders_are_closed_to_others() -> None:
    # tmp_path has a long path when tests run in parallel, too long for sockets.
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder) / "local")
        layout.create()
        assert {path.stat().st_mode & 0o777 for path in layout.root.iterdir()} == {0o700}


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match="too long for Unix sockets"):
        Layout(tmp_path / ("x" * 100) / "local").create()
