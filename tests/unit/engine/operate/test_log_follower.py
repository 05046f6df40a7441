"""Following logs: new pods and restarted containers are taken up, and a broken log goes on where it was."""

import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import pytest

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, LogQuery, WatchEvent
from towpath.engine.operate.log_follower import Followed, LogFollower
from towpath.engine.operate.pod_logs import Choice
from towpath.errors import TransientError
from towpath.objects import Manifest, ObjectRef


def pod(name: str, *, restarts: int = 0, state: str = "running") -> Manifest:
    status = {"name": "web", "restartCount": restarts, "state": {state: {}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "dev", "uid": name},
        "spec": {"containers": [{"name": "web"}]},
        "status": {"containerStatuses": [status]},
    }


class Played:
    """A cluster whose pods and logs are told in advance; a log that is asked for again has its next part."""

    def __init__(self, *pods: Manifest, events: tuple[Manifest, ...] = (), **logs: list[Any]) -> None:
        self.pods = {each["metadata"]["name"]: each for each in pods}
        self.events, self.logs = events, logs
        self.asked: list[tuple[str, LogQuery]] = []

    def list_with_version(self, *_: object, **__: object) -> tuple[list[Manifest], str]:
        return list(self.pods.values()), "1"

    def watch(self, *_: object, **__: object) -> Iterator[WatchEvent]:
        for each in self.events:
            self.pods[each["metadata"]["name"]] = each
            yield WatchEvent("MODIFIED", each)
        self.events = ()
        threading.Event().wait(10)

    def get(self, ref: ObjectRef) -> Manifest | None:
        return self.pods.get(ref.name)

    def pod_log(self, _: str, name: str, __: str, query: LogQuery, **___: object) -> Iterator[str]:
        self.asked.append((name, query))
        parts = self.logs[name.replace("-", "_")]
        part = parts.pop(0) if parts else None
        if part is None:
            threading.Event().wait(10)
            return
        if isinstance(part, Exception):
            raise part
        yield from (f"2026-01-01T00:00:{at:02}Z {text}" for at, text in part)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("towpath.engine.operate.log_follower.PAUSE", 0.01)


def followed(cluster: Played, number: int, ours: tuple[str, ...], **query: Any) -> list[str]:
    follower = LogFollower(LogQuery(**query), Choice())
    place = Followed("dev", cast(Cluster, cluster), ("dev",), lambda: [cluster.pods[each] for each in ours])
    return [f"{each.source.pod}: {each.text}" for each in islice(follower.lines([place]), number)]


def test_pods_of_now_are_followed_and_others_are_not() -> None:
    cluster = Played(pod("a"), pod("b"), a=[[(1, "one"), (2, "two")]], b=[[(1, "never")]])
    assert followed(cluster, 2, ("a",), tail=5) == ["a: one", "a: two"]
    assert cluster.asked[0] == ("a", LogQuery(tail=5, follow=True, timestamps=True))


def test_a_pod_that_comes_later_is_taken_up() -> None:
    cluster = Played(pod("a", state="waiting"), events=(pod("a"),), a=[[(1, "begun")]])
    assert followed(cluster, 1, ("a",)) == ["a: begun"]


def test_a_container_that_restarts_is_followed_from_its_first_line() -> None:
    cluster = Played(pod("a"), events=(pod("a", restarts=1),), a=[[(1, "old")], [(5, "new"), (6, "newer")]])
    assert sorted(followed(cluster, 3, ("a",), tail=1)) == ["a: new", "a: newer", "a: old"]
    assert [query.tail for _, query in cluster.asked[:2]] == [1, None]


def test_a_log_that_breaks_off_goes_on_after_the_last_line() -> None:
    parts = [[(1, "one"), (2, "two")], TransientError("reset"), [(2, "two"), (3, "three")]]
    cluster = Played(pod("a"), a=parts)
    assert followed(cluster, 3, ("a",)) == ["a: one", "a: two", "a: three"]
    assert cluster.asked[2][1].since_time == "2026-01-01T00:00:02Z"


def test_a_private_key_is_masked_also_where_the_log_breaks_off_in_it() -> None:
    key = [(1, "-----BEGIN PRIVATE KEY-----"), (2, "MIIEvQ")]
    rest = [(2, "MIIEvQ"), (3, "ANBgkq"), (4, "-----END PRIVATE KEY-----"), (5, "up")]
    cluster = Played(pod("a"), a=[key, TransientError("reset"), rest])
    masked = ["a: *** private key ***", "a: ***", "a: ***", "a: ***", "a: up"]
    assert followed(cluster, 5, ("a",)) == masked


def test_a_key_in_one_log_masks_nothing_in_another() -> None:
    cluster = Played(
        pod("a"), pod("b"), a=[[(1, "-----BEGIN PRIVATE KEY-----"), (2, "MIIE")]], b=[[(1, "up"), (2, "ok")]]
    )
    assert {"b: up", "b: ok", "a: ***"} < set(followed(cluster, 4, ("a", "b")))


def test_what_the_api_server_refuses_for_good_is_raised() -> None:
    cluster = Played(pod("a"), a=[ApiRefusedError("read the log", status=403, reason="forbidden")])
    with pytest.raises(ApiRefusedError):
        followed(cluster, 1, ("a",))
