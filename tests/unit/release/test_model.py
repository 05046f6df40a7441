"""A release is one immutable thing: none, one or several images by digest, and one id."""

import hashlib
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from towpath.engine.gates.admission import require_not_superseded
from towpath.release.model import (
    EnvironmentRelease,
    Release,
    ReleaseImage,
    ReleaseRef,
    ScanSummary,
    is_release_id,
    one_image,
)

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "c" * 64
RELEASE = Release(
    app="hello",
    images=one_image("hello", "127.0.0.1:5000/hello", DIGEST),
    commit="b" * 40,
    source="https://example.com/hello.git",
    subject='Say: "hello" # ü',
    author="Ann <ann@example.com>",
    built_at="2026-01-01T00:00:00Z",
    scan=ScanSummary("passed", ("secret", "vuln"), {"HIGH": 1}, "0.72", "abc"),
    flow_run="0123",
)
STATE = EnvironmentRelease(RELEASE, "2026-01-02T00:00:00Z", "ann", "dev", ("alice", "bob"), "4567")
WEB = ReleaseImage("web", "127.0.0.1:5000/web", DIGEST)
WORKER = ReleaseImage("worker", "127.0.0.1:5000/worker", OTHER)
SEVERAL = replace(RELEASE, images=(WORKER, WEB))
NONE = replace(RELEASE, images=())


def test_names() -> None:
    assert RELEASE.references == f"127.0.0.1:5000/hello@{DIGEST}"
    assert RELEASE.id == DIGEST
    assert RELEASE.short_id == "bbbbbbb"
    assert replace(RELEASE, commit="").short_id == "aaaaaaa"
    assert RELEASE.ref == ReleaseRef(DIGEST, RELEASE.images)


def test_the_id_of_one_image_is_its_digest_whatever_it_is_called() -> None:
    assert RELEASE.id == DIGEST
    assert replace(RELEASE, images=one_image("web", "example.com/web", DIGEST)).id == DIGEST


def test_the_id_of_several_images_is_a_hash_over_their_digests_by_name() -> None:
    text = f'{{"web":"{DIGEST}","worker":"{OTHER}"}}'
    assert SEVERAL.id == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert SEVERAL.id == replace(SEVERAL, images=(WEB, WORKER)).id
    assert replace(SEVERAL, images=(WEB, WORKER)) == SEVERAL
    assert SEVERAL.id == replace(SEVERAL, images=(replace(WEB, image="mirror/web"), WORKER)).id
    assert SEVERAL.id != replace(SEVERAL, images=(replace(WEB, name="job"), WORKER)).id
    assert SEVERAL.id != replace(SEVERAL, images=(replace(WEB, digest=OTHER), WORKER)).id
    assert replace(SEVERAL, commit="").short_id == SEVERAL.id.removeprefix("sha256:")[:7]


def test_the_id_without_an_image_is_the_commit() -> None:
    assert NONE.id == "b" * 40
    with pytest.raises(ValueError, match="must have a `commit`"):
        replace(NONE, commit="")


def test_a_release_of_several_images_names_them_all_and_none_has_none() -> None:
    assert SEVERAL.references == ", ".join(each.reference for each in SEVERAL.images)
    assert SEVERAL.quarantine_ids == (SEVERAL.id, *SEVERAL.digests)
    assert (NONE.references, NONE.digests) == ("", ())


def test_images_have_repositories_of_their_own_and_do_not_change() -> None:
    with pytest.raises(ValueError, match="the same repository"):
        replace(RELEASE, images=(WEB, replace(WORKER, image=WEB.image)))
    with pytest.raises(FrozenInstanceError):
        SEVERAL.images = ()  # type: ignore[misc]
    assert hash(SEVERAL.images)


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", "sha256:" + "A" * 64, ""])
def test_a_release_is_never_a_tag(digest: str) -> None:
    with pytest.raises(ValueError, match="never a tag"):
        replace(RELEASE, images=one_image("hello", "127.0.0.1:5000/hello", digest))


def test_a_commit_is_whole() -> None:
    with pytest.raises(ValueError, match="whole commit"):
        replace(RELEASE, commit="abc")


@pytest.mark.parametrize(
    ("text", "known"),
    [(DIGEST, True), ("b" * 40, True), ("b" * 64, True), ("b" * 7, False), ("latest", False), ("", False)],
)
def test_an_id_is_a_digest_or_a_whole_commit(text: str, *, known: bool) -> None:
    assert is_release_id(text) is known


@pytest.mark.parametrize(
    ("ours", "theirs", "overtakes"),
    [
        ("2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z", True),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", False),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", False),
        ("2026-01-01T11:00:00+02:00", "2026-01-01T10:00:00Z", False),
        ("2026-01-01T10:30:00+00:00", "2026-01-01T12:00:00+02:00", True),
        ("2026-01-01T10:00:00", "2026-01-01T09:00:00Z", True),
        ("no time", "2026-01-01T09:00:00Z", False),
    ],
)
def test_only_a_later_build_overtakes(ours: str, theirs: str, *, overtakes: bool) -> None:
    other = replace(RELEASE, images=one_image("hello", "127.0.0.1:5000/hello", OTHER), built_at=theirs)
    assert replace(RELEASE, built_at=ours).overtakes(other) is overtakes
    assert not replace(RELEASE, built_at=ours).overtakes(replace(RELEASE, built_at=theirs))


@pytest.mark.parametrize("text", ["", "x", "2026-99-01", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_time_that_somebody_wrote_by_hand_can_be_compared(text: str) -> None:
    state = replace(STATE, promoted_at=text)
    assert state.promoted < datetime.now(UTC)
    earlier = replace(RELEASE, images=one_image("hello", "127.0.0.1:5000/hello", OTHER), built_at="2020")
    require_not_superseded(earlier, state, datetime(2026, 2, 1, tzinfo=UTC))
