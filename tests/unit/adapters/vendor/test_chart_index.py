"""Of an index, whatever its size and form, one chart is read."""

import json
import time

import pytest

from towpath.adapters.vendor import chart_index
from towpath.adapters.vendor.chart_index import ChartVersion, chart_versions
from towpath.errors import RefusedError, TerminalError, UnknownNameError

INDEX = b"""\
apiVersion: v1
entries:
  alpine:
  - {version: 0.1.0, urls: [alpine-0.1.0.tgz], annotations: {a: [1, {b: 2}]}}
  podinfo:
  - apiVersion: v2
    version: 1.10
    urls: [a.tgz]
  - version: 6.7.0
    urls:
    - https://e.com/podinfo-6.7.0.tgz
    digest: AB
  - version: 6.7.1
    urls: []
  zz: &x
  - {version: 1.0.0}
generated: "2026-01-01"
"""


def test_one_chart_is_read_and_texts_stay_texts() -> None:
    found = chart_versions(INDEX, "podinfo", "it")
    assert found["6.7.0"] == ChartVersion("6.7.0", ("https://e.com/podinfo-6.7.0.tgz",), "sha256:ab")
    assert set(found) == {"1.10", "6.7.0", "6.7.1"}


def test_an_index_in_json_is_read_too() -> None:
    text = json.dumps({"entries": {"a": [{"version": "1.0.0", "urls": ["x"], "digest": "sha256:cd"}]}})
    assert chart_versions(text.encode(), "a", "it") == {"1.0.0": ChartVersion("1.0.0", ("x",), "sha256:cd")}


def test_an_unknown_chart_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        chart_versions(INDEX, "podinf", "it")
    assert "Did you mean podinfo?" in str(caught.value)


@pytest.mark.parametrize(
    "index",
    [
        b"", b"[]\n", b"text", b"{", b"\xff\xfe", b"entries: {podinfo: *x}\n", b"entries:\n  ? [a]\n  : b\n",
        b"entries: {podinfo: " + b"[" * 3000, b"<html>404</html>", b"{\"entries\": 1",
    ],
)  # fmt: skip
def test_what_is_no_index_is_refused(index: bytes) -> None:
    with pytest.raises(TerminalError):
        chart_versions(index, "podinfo", "it")


@pytest.mark.parametrize("index", [b"entries: 1\n", b"entries:\n", b"a: b\n", b'{"entries": []}'])
def test_an_index_without_charts_has_none(index: bytes) -> None:
    with pytest.raises(UnknownNameError):
        chart_versions(index, "podinfo", "it")


def test_a_chart_that_is_told_twice_differently_is_refused() -> None:
    index = b"entries: {a: [{version: 1.0.0, digest: aa}, {version: 1.0.0, digest: bb}]}\n"
    with pytest.raises(RefusedError, match=r"two charts a 1.0.0"):
        chart_versions(index, "a", "it")


def test_aliases_are_not_followed_and_more_than_is_needed_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = b"x: &a [1]\ny: &b [*a, *a]\nentries:\n  other: [*b, *b]\n  a: [{version: 1.0.0}]\n"
    assert set(chart_versions(bomb, "a", "it")) == {"1.0.0"}
    with pytest.raises(TerminalError):
        chart_versions(bomb, "other", "it")
    monkeypatch.setattr(chart_index, "_MAX_VALUES", 3)
    with pytest.raises(RefusedError, match="more"):
        chart_versions(b"entries: {a: [{version: 1.0.0, x: y}]}\n", "a", "it")


@pytest.mark.parametrize("nested", [b"[" * 5_000_000, b"{a: " * 1_000_000, b"\n  " + b"- " * 1_000_000])
def test_what_is_nested_deeply_is_refused_at_once(nested: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(RefusedError, match="nested deeper than"):
        chart_versions(b"generated: " + nested, "shop", "the index")
    assert time.process_time() - begun < 5
