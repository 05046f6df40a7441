"""A scripted API server: each list and each watch gives what the test says."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from towpath.adapters.kubernetes import ApiRefusedError, WatchEvent, WatchExpiredError
from towpath.engine.live.lists import SPREAD
from towpath.engine.live.watch_cache import EVERYWHERE, Collection, LivePicture, gathered
from towpath.errors import TransientError
from towpath.objects import Manifest, ref_of

PODS = Collection("", "Pod", "dev")


def pod(name: str, version: str, namespace: str = "dev") -> Manifest:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": version}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


class Script:
    """`lists` and `watches` are used up one by one; afterwards a watch stays open and silent."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists = lists
        self.watches = watches
        self.since: list[str] = []
        self.managed_fields: dict[str, bool] = {}
        self.closed = threading.Event()

    def list_with_version(
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        managed_fields: bool = True,
        fields: str = "",
    ) -> tuple[list[Manifest], str]:
        self.managed_fields["list"] = managed_fields
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, "1"

    def watch(
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        since: str,
        seconds: float,
        managed_fields: bool = True,
        fields: str = "",
    ) -> Iterator[WatchEvent]:
        self.managed_fields["watch"] = managed_fields
        self.since.append(since)
        if not self.watches:
            self.closed.wait(seconds)
            return
        for answer in self.watches.pop(0):
            if isinstance(answer, Exception):
                raise answer
            yield answer


def settle(script: Script, names: set[str], collections: tuple[Collection, ...] = (PODS,)) -> None:
    """Wait on the picture until it shows `names`."""
    end = time.monotonic() + 10
    try:
        with LivePicture(script, collections) as picture:
            while True:
                version, seen = picture.snapshot()
                if seen is not None and {ref.name for ref in seen} == names:
                    return
                assert time.monotonic() < end, seen
                picture.wait(version, 1)
    finally:
        script.closed.set()


def test_events_change_the_picture() -> None:
    events = [
        WatchEvent("ADDED", pod("b", "2")),
        WatchEvent("DELETED", pod("a", "3")),
        WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "9"}}),
    ]
    script = Script([[pod("a", "1")]], [events])
    settle(script, {"b"})
    assert script.since[0] == "1"


def test_who_owns_which_field_is_not_asked_for() -> None:
    script = Script([[pod("a", "1")]], [])
    settle(script, {"a"})
    assert script.managed_fields == {"list": False, "watch": False}


def test_a_closed_picture_holds_nothing_though_its_threads_end_later() -> None:
    collection = replace(PODS, managed_fields=False)
    with LivePicture(Script([[pod("a", "1")]], []), [PODS]) as picture:
        version, seen = picture.snapshot()
        while seen is None:
            picture.wait(version, 10)
            version, seen = picture.snapshot()
    picture.listed(collection, [pod("b", "2")])
    picture.changed(collection, WatchEvent("ADDED", pod("c", "3")))
    assert picture.snapshot()[1] is None


def test_the_next_watch_goes_on_from_the_bookmark() -> None:
    bookmark = [WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "9"}})]
    script = Script([[]], [bookmark, [WatchEvent("ADDED", pod("a", "10"))]])
    settle(script, {"a"})
    assert script.since[:2] == ["1", "9"]


def test_a_watch_that_expired_starts_from_a_new_list() -> None:
    settle(Script([[pod("a", "1")], [pod("b", "5")]], [[WatchExpiredError("410")]]), {"b"})


def test_an_interruption_is_gone_over() -> None:
    away = TransientError("away", retry_after=0.01)
    script = Script([away, [pod("a", "1")]], [[away], [WatchEvent("ADDED", pod("b", "2"))]])
    settle(script, {"a", "b"})
    assert script.since[:2] == ["1", "1"]


def test_what_is_refused_for_good_is_raised() -> None:
    refused = ApiRefusedError("list Pod", status=403, reason="forbidden")
    with pytest.raises(ApiRefusedError, match="forbidden"):
        settle(Script([refused], []), set())


def test_nothing_is_shown_before_every_collection_was_read() -> None:
    script = Script([[pod("a", "1")]], [])
    picture = LivePicture(script, [PODS])
    assert picture.snapshot() == (0, None)


def test_the_same_object_in_the_picture_is_the_newest() -> None:
    script = Script([[pod("a", "1")]], [[WatchEvent("MODIFIED", pod("a", "2"))]])
    with LivePicture(script, [PODS]) as picture:
        end = time.monotonic() + 10
        while True:
            version, seen = picture.snapshot()
            if seen and seen[ref_of(pod("a", "1"))]["metadata"]["resourceVersion"] == "2":
                break
            assert time.monotonic() < end
            picture.wait(version, 1)
    script.closed.set()


PLACES = [f"place-{number}" for number in range(SPREAD + 1)]
MANY = tuple(Collection("", "Pod", place) for place in PLACES)


def test_a_kind_in_many_namespaces_is_watched_once_and_in_a_few_by_namespace() -> None:
    node, few = Collection("", "Node", name="n"), MANY[:SPREAD]
    assert gathered([*few, node]) == dict.fromkeys((*few, node), EVERYWHERE)
    assert gathered([*MANY, node]) == {Collection("", "Pod"): frozenset(PLACES), node: EVERYWHERE}


def test_what_is_in_other_namespaces_is_no_part_of_the_picture() -> None:
    others = [pod("b", "1", "elsewhere"), pod("a", "1", PLACES[0])]
    events = [WatchEvent("ADDED", pod("d", "2", "elsewhere")), WatchEvent("ADDED", pod("c", "3", PLACES[1]))]
    script = Script([others], [events])
    settle(script, {"a", "c"}, MANY)
    assert script.lists == []


def test_a_kind_that_may_not_be_seen_in_the_whole_cluster_is_watched_by_namespace() -> None:
    refused = ApiRefusedError("list Pod", status=403, reason="forbidden")
    lists = [[pod(place, "1", place)] for place in PLACES]
    settle(Script([refused, *lists], []), set(PLACES), MANY)
