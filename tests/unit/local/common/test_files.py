"""Files that are there whole or not at all."""

from pathlib import Path

from towpath.local.common.files import read_json, write_json, write_private


def test_a_file_is_closed_to_others_from_its_first_moment(tmp_path: Path) -> None:
    write_private(tmp_path / "deep" / "secret", "x")
    assert (tmp_path / "deep" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["secret"]


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "half").write_text('{"a": ')
    assert read_json(tmp_path / "half") is None
    assert read_json(tmp_path / "none") is None
    write_json(tmp_path / "whole", {"b": 1, "a": 2})
    assert read_json(tmp_path / "whole") == {"a": 2, "b": 1}
