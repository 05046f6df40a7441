"""The lock is read as it was written, and nothing else is taken for one."""

import pytest

from towpath.errors import ConfigError
from towpath.vendor.lock import NO_LOCK, LockedDependency, LockedEntry, dump_lock, parse_lock

DIGEST = f"sha256:{'a' * 64}"
CHART = LockedEntry(
    "podinfo",
    "apps/podinfo/base",
    "https://e.com podinfo",
    "6.7.1",
    DIGEST,
    archive=DIGEST,
    include=("templates",),
    dependencies=(LockedDependency("charts/redis", "oci://e.com/redis", "1e3", DIGEST),),
)
FILES = LockedEntry(
    "argo", "vendor/argo", "https://e.com/x.git", "0815", DIGEST, commit="c" * 40, ref="refs/tags/0815"
)


def test_it_is_read_as_it_was_written() -> None:
    text = dump_lock([CHART, FILES])
    assert parse_lock(text) == {"podinfo": CHART, "argo": FILES}
    assert dump_lock([FILES, CHART]) == text
    assert "apiVersion: towpath.dev/v2\n" in text
    assert parse_lock(dump_lock([])) == NO_LOCK


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path: apps/podinfo/base", "path: ../out"),
        ("path: apps/podinfo/base", "path: /etc"),
        ("path: apps/podinfo/base", "path: apps/podinfo/../../.git"),
        ("path: apps/podinfo/base", "path: .git/hooks"),
        (f"tree: {DIGEST}", "tree: sha256:1"),
        (f"  archive: {DIGEST}\n  include", "  archive: md5\n  include"),
        ("name: podinfo", "name: 1"),
        ("version: '6.7.1'", "colour: red"),
        ("- templates", "- 1"),
        ("    source: oci://e.com/redis\n", ""),
    ],
)
def test_what_nobody_wrote_is_refused_with_its_line(old: str, new: str) -> None:
    text = dump_lock([CHART])
    assert old in text
    with pytest.raises(ConfigError, match=r"^vendor.lock.yaml:\d+: "):
        parse_lock(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "text", ["[]\n", "vendor: []\nx: 1\n", "apiVersion: towpath.dev/v3\nvendor: []\n", "x\n"]
)
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_lock(text)


def test_one_name_is_locked_once() -> None:
    text = dump_lock([CHART])
    with pytest.raises(ConfigError, match="twice"):
        parse_lock(text + text[text.index("- name") :])
