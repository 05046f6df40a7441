"""Git and registries: who does not lead reads, and writes nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.adapters.answering import Answer, answering
from tests.unit.adapters.git.repositories import Bare
from tests.unit.adapters.git.write.test_state_ref import StateRepository
from towpath.adapters import git
from towpath.adapters.registries.oci import Repository
from towpath.errors import NotLeadingError
from towpath.fence import Fence, boot_time, put_up
from towpath.release.image_ref import parse_image


@pytest.fixture
def fence() -> Iterator[Fence]:
    made = Fence()
    put_up(made)
    yield made
    put_up(None)


def opened(fence: Fence) -> None:
    assert fence.open(boot_time() + 600, time.time() + 600)


def test_a_commit_is_not_pushed(tmp_path: Path, fence: Fence) -> None:
    bare = Bare(tmp_path / "git")
    before = bare.head
    with pytest.raises(NotLeadingError, match="push to main of "):
        bare.commit({"a.txt": "two\n"})
    assert bare.head == before
    assert bare.fetch().commit == before, "what only reads goes on"
    opened(fence)
    assert bare.commit({"a.txt": "two\n"}) == bare.head != before


def test_a_proposal_is_not_pushed(tmp_path: Path, fence: Fence) -> None:
    bare = Bare(tmp_path / "git")
    with pytest.raises(NotLeadingError, match="push to towpath/x of "):
        git.propose_files(
            *(bare.url, "towpath/x", "main", {"a.txt": "two\n"}, "Propose\n\nTowpath-Intent: 1\n"),
            author="Alice",
            cache=bare.cache,
            marker=("Towpath-Intent", "1"),
            allow_file=True,
        )
    assert bare.count() == 2


def test_the_state_is_not_published(tmp_path: Path, fence: Fence) -> None:
    remote = StateRepository(tmp_path)
    with pytest.raises(NotLeadingError, match="push to refs/towpath/prod/state of "):
        remote.write("{}")
    assert remote.read() is None
    opened(fence)
    remote.write("{}")
    assert remote.read() is not None


def test_nothing_is_uploaded_to_a_registry(fence: Fence) -> None:
    with answering([Answer(404), Answer(201)]) as server:
        repository = Repository(parse_image(f"{server.url.removeprefix('http://')}/hello"))
        assert repository.manifest("latest") is None
        with pytest.raises(NotLeadingError, match="PUT to "):
            repository.put_manifest("latest", b"{}")
        opened(fence)
        repository.put_manifest("latest", b"{}")
    assert server.asked == ["GET /v2/hello/manifests/latest", "PUT /v2/hello/manifests/latest"]
