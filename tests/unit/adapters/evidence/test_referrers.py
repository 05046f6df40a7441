"""Referrers from registries that misbehave, or have the referrers API; real: integration/test_evidence.py."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.unit.adapters.registries.test_oci import Answer, server
from tests.unit.evidence.examples import DIGEST
from towpath.adapters.evidence import referrers
from towpath.adapters.evidence.referrers import forget_bundles, index_tag, read_bundles
from towpath.adapters.registries.oci import INDEX_TYPE, MANIFEST_TYPE, digest_of
from towpath.errors import EvidenceError, TerminalError, TowpathError, TransientError
from towpath.evidence.bundle import BUNDLE_TYPE
from towpath.evidence.statement import RELEASE_TYPE

BUNDLE = b'{"a bundle": "or not"}'
NOT_FOUND: Answer = (404, {}, b"")


def manifest(**changes: Any) -> bytes:
    layer = {"mediaType": BUNDLE_TYPE, "digest": digest_of(BUNDLE), "size": len(BUNDLE)}
    return json.dumps({"subject": {"digest": DIGEST}, "layers": [layer], **changes}).encode()


def layered(**changes: Any) -> bytes:
    layer = {"mediaType": BUNDLE_TYPE, "digest": digest_of(BUNDLE), "size": len(BUNDLE)}
    return manifest(layers=[{**layer, **changes}])


def entry(digest: Any, **more: Any) -> dict[str, Any]:
    return {"mediaType": MANIFEST_TYPE, "artifactType": BUNDLE_TYPE, "digest": digest, "size": 1, **more}


def index(*entries: Any) -> Answer:
    content = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(entries)}
    return 200, {"Content-Type": INDEX_TYPE}, json.dumps(content).encode()


@contextmanager
def registry(answers: dict[str, Answer]) -> Iterator[tuple[str, list[str]]]:
    """A registry with these answers, by the last two parts of the path; and what was asked."""
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> Answer:
        asked.append(request.path.removeprefix("/v2/hello/"))
        return answers.get(asked[-1].partition("?")[0], NOT_FOUND)

    with server(answer) as address:
        yield f"{address}/hello", asked


def refused(answers: dict[str, Answer], error: type[TowpathError], said: str) -> None:
    with registry(answers) as (image, _), pytest.raises(error, match=said):
        read_bundles(image, DIGEST, RELEASE_TYPE)


def stored(content: bytes) -> dict[str, Answer]:
    return {
        f"manifests/{digest_of(content)}": (200, {"Content-Type": MANIFEST_TYPE}, content),
        f"blobs/{digest_of(BUNDLE)}": (200, {}, BUNDLE),
    }


def test_the_referrers_api_is_asked_first() -> None:
    answers = {f"referrers/{DIGEST}": index(entry(digest_of(manifest()))), **stored(manifest())}
    with registry(answers) as (image, asked):
        assert read_bundles(image, DIGEST, RELEASE_TYPE).bundles == (BUNDLE,)
    assert [path.partition("/")[0] for path in asked] == ["referrers", "manifests", "blobs"]


def test_what_was_written_before_there_was_an_api_is_read() -> None:
    listed = index(entry(digest_of(manifest())))
    answers = {f"referrers/{DIGEST}": index(), f"manifests/{index_tag(DIGEST)}": listed, **stored(manifest())}
    with registry(answers) as (image, _):
        assert read_bundles(image, DIGEST, RELEASE_TYPE).bundles == (BUNDLE,)
    with registry({f"referrers/{DIGEST}": index()}) as (image, _):
        assert read_bundles(image, DIGEST, RELEASE_TYPE).bundles == ()


@pytest.mark.parametrize(
    "nothing",
    [NOT_FOUND, (400, {}, b""), (405, {}, b""), (406, {}, b""), (200, {"Content-Type": "text/html"}, b"<p>")],
)
def test_without_the_api_the_tag_is_read(nothing: Answer) -> None:
    listed = index(entry(digest_of(manifest())))
    answers = {f"referrers/{DIGEST}": nothing, f"manifests/{index_tag(DIGEST)}": listed, **stored(manifest())}
    with registry(answers) as (image, _):
        assert read_bundles(image, DIGEST, RELEASE_TYPE).bundles == (BUNDLE,)


def test_pages_of_the_api_are_read_to_an_end() -> None:
    status, headers, body = index(entry(digest_of(manifest())))
    following = {**headers, "Link": f'</v2/hello/referrers/{DIGEST}?page=2>; rel="next"'}
    with registry({f"referrers/{DIGEST}": (status, following, body)}) as (image, asked):
        with pytest.raises(TerminalError, match="more than 20 pages"):
            read_bundles(image, DIGEST, RELEASE_TYPE)
        assert len(asked) == 20


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_that_is_busy_is_no_registry_without_evidence(status: int) -> None:
    with registry({f"referrers/{DIGEST}": (status, {}, b"")}) as (image, _), pytest.raises(TransientError):
        read_bundles(image, DIGEST, RELEASE_TYPE)


def test_no_right_to_read_is_no_registry_without_evidence() -> None:
    with (
        registry({f"referrers/{DIGEST}": (403, {}, b"")}) as (image, _),
        pytest.raises(TerminalError, match="no right"),
    ):
        read_bundles(image, DIGEST, RELEASE_TYPE)


@pytest.mark.parametrize(
    "junk",
    [7, None, [], {}, entry(None), entry("latest"), entry(7), entry("sha256:" + "0" * 64), entry("../x")],
)
def test_junk_in_the_list_hides_nothing(junk: Any) -> None:
    listed = index(junk, entry(digest_of(manifest())), junk)
    with registry({f"manifests/{index_tag(DIGEST)}": listed, **stored(manifest())}) as (image, _):
        found = read_bundles(image, DIGEST, RELEASE_TYPE)
    assert found.bundles == (BUNDLE,)
    assert len(found.problems) == (isinstance(junk, dict) and bool(junk))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (manifest(subject={"digest": "sha256:" + "2" * 64}), "attached to another image"),
        (manifest(subject=None), "attached to another image"),
        (manifest(subject=[]), "attached to another image"),
        (manifest(layers=[]), "one Sigstore bundle"),
        (manifest(layers=None), "one Sigstore bundle"),
        (manifest(layers=[{"mediaType": "text/plain", "digest": digest_of(BUNDLE), "size": 2}]), "bundle"),
        (
            manifest(layers=[{"mediaType": BUNDLE_TYPE, "digest": digest_of(BUNDLE), "size": 10**9}]),
            "more than",
        ),
        (
            manifest(layers=[{"mediaType": BUNDLE_TYPE, "digest": digest_of(BUNDLE), "size": "2"}]),
            "more than",
        ),
        (manifest(layers=[{"mediaType": BUNDLE_TYPE, "digest": "sha256:1", "size": 2}]), "sha256 digest"),
        (manifest(layers=[{"mediaType": BUNDLE_TYPE, "digest": "sha256:" + "0" * 64, "size": 2}]), "404"),
        (b"[]", "no JSON object"),
        (b"\xff", "no JSON"),
    ],
)
def test_what_holds_no_bundle_is_named(content: bytes, said: str) -> None:
    listed = index(entry(digest_of(content)))
    with registry({f"manifests/{index_tag(DIGEST)}": listed, **stored(content)}) as (image, _):
        found = read_bundles(image, DIGEST, RELEASE_TYPE)
    assert found.bundles == ()
    assert said in found.problems[0]


def test_a_bundle_that_is_larger_than_it_says_is_not_read() -> None:
    answers = stored(manifest())
    answers[f"blobs/{digest_of(BUNDLE)}"] = (200, {}, b"x" * 5_000_000)
    listed = index(entry(digest_of(manifest())))
    with registry({f"manifests/{index_tag(DIGEST)}": listed, **answers}) as (image, _):
        assert "larger than" in read_bundles(image, DIGEST, RELEASE_TYPE).problems[0]


def test_lists_without_a_bound_are_not_read() -> None:
    many = index(*(entry(f"sha256:{number:064x}") for number in range(51)))
    with (
        registry({f"manifests/{index_tag(DIGEST)}": many}) as (image, _),
        pytest.raises(EvidenceError, match="more than 50 statements"),
    ):
        read_bundles(image, DIGEST, RELEASE_TYPE)
    huge = index(*(entry(f"sha256:{number:064x}") for number in range(8000)))
    with (
        registry({f"manifests/{index_tag(DIGEST)}": huge}) as (image, _),
        pytest.raises(EvidenceError, match="more than 1048576 bytes"),
    ):
        read_bundles(image, DIGEST, RELEASE_TYPE)


def test_a_list_that_is_none_is_told() -> None:
    broken = (200, {"Content-Type": INDEX_TYPE}, b'{"manifests": {}}')
    with (
        registry({f"manifests/{index_tag(DIGEST)}": broken}) as (image, _),
        pytest.raises(TerminalError, match="no valid index"),
    ):
        read_bundles(image, DIGEST, RELEASE_TYPE)


def test_one_that_is_nested_too_deeply_hides_no_other() -> None:
    deep = b'{"subject": {"digest": "%s"}, "a": %s}' % (DIGEST.encode(), b"[" * 20_000 + b"]" * 20_000)
    answers = {f"referrers/{DIGEST}": index(entry(digest_of(deep)), entry(digest_of(manifest())))}
    with registry({**answers, **stored(deep), **stored(manifest())}) as (image, _):
        found = read_bundles(image, DIGEST, RELEASE_TYPE)
    assert found.bundles == (BUNDLE,)
    assert "nested too deeply" in found.problems[0]


def test_bundles_that_are_too_large_together_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "MAX_TOTAL_BYTES", 2 * len(BUNDLE) + 1)
    each = [manifest(annotations={"number": str(number)}) for number in range(4)]
    answers = {f"referrers/{DIGEST}": index(*(entry(digest_of(one)) for one in each))}
    for one in each:
        answers |= stored(one)
    forget_bundles()
    with registry(answers) as (image, _):
        found = read_bundles(image, DIGEST, RELEASE_TYPE)
    assert (found.bundles, len(found.problems)) == ((BUNDLE, BUNDLE), 2)
    assert "holds more than 1 bytes" in found.problems[0]
