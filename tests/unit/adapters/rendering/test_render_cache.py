import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from towpath.adapters.rendering import render_cache
from towpath.adapters.rendering.render_cache import RenderCache, blob_id, cache_key
from towpath.yamltext.manifest_reader import ManifestDocument

KEY = cache_key(["a"])
RESULT = [ManifestDocument({"kind": "X", "n": [1, 1.5, None, True, "ü"]}, "f.yaml", 3)]


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path)
    assert cache.get(KEY) is None
    cache.put(KEY, RESULT)
    assert cache.get(KEY) == RESULT
    assert cache.get(cache_key(["b"])) is None


def test_only_we_can_read_it(tmp_path: Path) -> None:
    RenderCache(tmp_path / "c").put(KEY, RESULT)
    (file,) = (tmp_path / "c").glob("*/*")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"x", b"\n", b"\xff\n[]"])
def test_a_damaged_result_is_none(tmp_path: Path, damage: bytes) -> None:
    cache = RenderCache(tmp_path)
    cache.put(KEY, RESULT)
    (file,) = tmp_path.glob("*/*")
    content = file.read_bytes()
    for wrong in (damage, content[:-1], content.replace(b'"X"', b'"Y"')):
        file.write_bytes(wrong)
        assert cache.get(KEY) is None
        assert not file.exists()


def test_a_result_under_another_key_is_none(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path)
    cache.put(KEY, RESULT)
    other = cache_key(["b"])
    (file,) = tmp_path.glob("*/*")
    target = tmp_path / other[:2] / other[2:]
    target.parent.mkdir()
    file.rename(target)
    assert cache.get(other) is None


def test_writers_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path)

    def turn(number: int) -> bool:
        cache.put(KEY, RESULT)
        cache.trim()
        return cache.get(KEY) in (RESULT, None) and number >= 0

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(turn, range(100)))
    assert cache.get(KEY) == RESULT


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = RenderCache(tmp_path / "file")
    cache.put(KEY, RESULT)
    cache.trim()
    assert cache.get(KEY) is None


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_cache, "MAX_ENTRIES", 3)
    cache = RenderCache(tmp_path)
    keys = [cache_key([str(number)]) for number in range(5)]
    for number, key in enumerate(keys):
        cache.put(key, RESULT)
        file = tmp_path / key[:2] / key[2:]
        render_cache.os.utime(file, (number, number))
    assert cache.get(keys[0]) == RESULT  # used just now
    cache.trim()
    assert [cache.get(key) is not None for key in keys] == [True, False, False, True, True]


def test_a_blob_has_the_id_that_git_gives_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a\n")
    said = subprocess.run(
        ["git", "hash-object", "f"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert blob_id(b"a\n") == said.stdout.strip()
