"""Following a collection: resumed where it was, listed anew only when the server has forgotten that place."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from towpath.adapters.kubernetes import Collection, WatchEvent, WatchExpiredError, follow
from towpath.adapters.kubernetes import watch as module
from towpath.adapters.kubernetes.watch import events
from towpath.errors import TowpathError, TransientError
from towpath.objects import Manifest

PODS = Collection("", "Pod", "dev", metadata_only=True)


def pod(name: str, version: str) -> Manifest:
    return {"metadata": {"name": name, "resourceVersion": version}}


def bookmark(version: str) -> WatchEvent:
    return WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": version}})


class Script:
    """An API server that answers as told, and ends the watching when it has nothing more to say."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        self.lists, self.watches = lists, watches
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.seen: list[str] = []
        self.closed = threading.Event()

    def list_with_version(
        self, group: str, kind: str, namespace: str | None = None, **selectors: Any
    ) -> tuple[list[Manifest], str]:
        self.asked.append(("list", selectors))
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, "1"

    def watch(
        self, group: str, kind: str, namespace: str | None = None, *, since: str, **rest: Any
    ) -> Iterator[WatchEvent]:
        self.asked.append((f"watch {since}", {k: v for k, v in rest.items() if k != "seconds"}))
        if not self.watches:
            self.closed.set()
            return
        for answer in self.watches.pop(0):
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def listed(self, collection: Collection, objects: list[Manifest]) -> None:
        self.seen.append("all " + " ".join(each["metadata"]["name"] for each in objects))

    def changed(self, collection: Collection, event: WatchEvent) -> None:
        self.seen.append(f"{event.type} {event.object['metadata']['name']}")

    def resumed(self, collection: Collection) -> None:
        self.seen.append("resumed")

    def interrupted(self, collection: Collection, error: TransientError) -> None:
        self.seen.append(type(error).__name__)

    def run(self) -> list[str]:
        follow(self, PODS, self, self.closed, window=60)
        return [what for what, _ in self.asked]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "_BREATH", 0.001)


def test_it_lists_once_and_goes_on_from_each_event_and_bookmark() -> None:
    script = Script(
        [[pod("a", "1")]], [[WatchEvent("MODIFIED", pod("a", "5")), bookmark("9")], [], [bookmark("12")]]
    )
    assert script.run() == ["list", "watch 1", "watch 9", "watch 9", "watch 12"]
    assert script.seen == ["all a", "MODIFIED a"]
    assert all(selectors == {"metadata_only": True} for _, selectors in script.asked)


def test_after_a_break_it_resumes_without_listing() -> None:
    away = TransientError("away")
    script = Script([[pod("a", "1")]], [[bookmark("7"), away], [away], [away]])
    assert script.run() == ["list", "watch 1", "watch 7", "watch 7", "watch 7"]
    assert script.seen == ["all a", *["TransientError", "resumed"] * 3]


def test_410_lists_again_at_once() -> None:
    script = Script([[pod("a", "1")], [pod("b", "2")]], [[WatchExpiredError("too old")]])
    assert script.run() == ["list", "watch 1", "list", "watch 1"]
    assert script.seen == ["all a", "WatchExpiredError", "all b", "resumed"]


def test_a_list_that_fails_is_tried_again() -> None:
    script = Script([TransientError("away"), [pod("a", "1")]], [])
    assert script.run() == ["list", "list", "watch 1"]


def test_a_server_that_forgets_again_and_again_is_not_hammered(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    script = Script([[] for _ in range(5)], [[WatchExpiredError("410")] for _ in range(4)])
    monkeypatch.setattr(script.closed, "wait", lambda seconds: waited.append(seconds) or False)
    script.run()
    assert len(waited) >= 3
    assert waited[:3] == sorted(waited[:3])


def test_the_server_s_own_wish_is_honoured_and_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    away = [TransientError("away") for _ in range(3)]
    busy = TransientError("429", retry_after=3.0)
    script = Script([*away, busy, []], [])
    monkeypatch.setattr(script.closed, "wait", lambda seconds: waited.append(seconds) or False)
    script.run()
    first, second, third, wish = waited[:4]
    assert first < second < third
    assert 3.0 <= wish <= 3.75


def test_what_is_refused_for_good_is_raised() -> None:
    with pytest.raises(TowpathError, match="forbidden"):
        Script([TowpathError("forbidden")], []).run()


def test_closing_ends_it_at_the_next_event() -> None:
    script = Script([[]], [[WatchEvent("ADDED", pod("a", "2")), WatchEvent("ADDED", pod("b", "3"))]])
    script.changed = lambda *_: script.closed.set()  # type: ignore[method-assign]
    assert script.run() == ["list", "watch 1"]


class Response:
    """As urllib3's: gives chunks, may break."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.closed = False

    def stream(self, amount: int, decode_content: bool) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed = True

    def release_conn(self) -> None:
        pass


def read(*chunks: bytes | Exception) -> list[str]:
    response = Response(*chunks)
    try:
        found = events(response, what="watch Pod", server="https://s")  # type: ignore[arg-type]
        return [f"{each.type} {each.object['metadata']['name']}" for each in found]
    finally:
        assert response.closed


def line(kind: str, found: Any) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def test_events_are_put_together_from_chunks_of_any_size() -> None:
    text = line("ADDED", pod("a", "1")) + line("DELETED", pod("a", "2"))
    assert read(*(bytes([byte]) for byte in text)) == ["ADDED a", "DELETED a"]


def test_a_line_that_was_cut_is_not_half_an_event() -> None:
    assert read(line("ADDED", pod("a", "1")), b'{"type": "ADD') == ["ADDED a"]


def test_silence_is_no_error_and_a_broken_connection_is_one() -> None:
    silence = urllib3.exceptions.ReadTimeoutError(None, "/", "silent")  # type: ignore[arg-type]
    assert read(line("ADDED", pod("a", "1")), silence) == ["ADDED a"]
    with pytest.raises(TransientError, match="cannot be reached"):
        read(urllib3.exceptions.ProtocolError("reset"))


def test_an_error_event_is_translated() -> None:
    with pytest.raises(WatchExpiredError, match="too old"):
        read(line("ERROR", {"code": 410, "message": "too old resource version"}))
    with pytest.raises(TowpathError, match="nothing for you"):
        read(line("ERROR", {"code": 403, "message": "nothing for you"}))
    with pytest.raises(TransientError, match="no event"):
        read(b"<html>\n")
