"""Which waiting run is meant, and in whose name it is answered."""

from typing import Any, cast

import pytest

from towpath.cli.ui.waiting import find_waiting, named_person, require_listed
from towpath.config import parse_config
from towpath.errors import RefusedError
from towpath.orchestration.runs import Run

CONFIG = parse_config(
    "apiVersion: towpath.dev/v2\n"
    "apps: {hello: {image: 127.0.0.1:5000/hello}, world: {image: 127.0.0.1:5000/world}}\n"
    "environments:\n"
    "  - {name: dev, namespace: dev}\n"
    "  - {name: prod, namespace: prod, gate: {approvals: {required: 1, from: [alice, bob]}}}\n"
)


def waiting(app: str, environment: str) -> Run:
    name = f"promote {app} 1a2b3c4 to {environment}"
    parameters = {"app": app, "environment": environment, "digest": "sha256:" + "1" * 64}
    return Run(app, name, "promote", "PAUSED", "Suspended", "", (), parameters, None, None, None, None)


class Waiting:
    """A server at which these runs wait."""

    def __init__(self, *runs: Run) -> None:
        self._runs = list(runs)

    def waiting(self) -> list[Run]:
        return self._runs


def find(server: Waiting, app: str, environment: str | None = None) -> Run:
    return find_waiting(cast(Any, server), CONFIG, app, environment, None)


def test_where_nothing_of_the_app_waits_only_runs_of_this_repository_are_named() -> None:
    others = [waiting("theirs", "prod"), waiting("world", "theirs"), waiting("theirs", "theirs")]
    with pytest.raises(RefusedError) as caught:
        find(Waiting(*others), "hello")
    assert caught.value.remedy == "`towpath status` shows what runs where."
    with pytest.raises(RefusedError) as caught:
        find(Waiting(waiting("world", "prod"), *others), "hello")
    assert caught.value.remedy == "These wait: promote world 1a2b3c4 to prod."
    assert find(Waiting(waiting("hello", "prod"), *others), "hello").id == "hello"


def test_where_several_wait_they_are_told_in_the_order_of_the_graph() -> None:
    config = parse_config(
        "apiVersion: towpath.dev/v2\napps: {hello: {image: 127.0.0.1:5000/hello}}\nenvironments:\n"
        "  - {name: last, namespace: l, after: [prod-eu, prod-us]}\n"
        "  - {name: prod-us, namespace: u, after: [dev]}\n  - {name: prod-eu, namespace: e, after: [dev]}\n"
        "  - {name: dev, namespace: d}\n"
    )
    server = Waiting(*(waiting("hello", name) for name in ("last", "prod-eu", "prod-us", "gone")))
    with pytest.raises(RefusedError, match="4 promotions of hello wait") as caught:
        find_waiting(cast(Any, server), config, "hello", None, None)
    assert str(caught.value.remedy).splitlines()[1:] == [
        "  --run hello  promote hello 1a2b3c4 to prod-us (after dev)",
        "  --run hello  promote hello 1a2b3c4 to prod-eu (after dev)",
        "  --run hello  promote hello 1a2b3c4 to last (after prod-eu and prod-us)",
        "  --run hello  promote hello 1a2b3c4 to gone",
    ]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("alcie", "Did you mean alice? May approve: alice, bob."),
        ("mallory", "May approve: alice, bob."),
        ("Alice", "Did you mean alice? May approve: alice, bob."),
        ("", "May approve: alice, bob."),
    ],
)
def test_who_is_not_listed_is_told_so(name: str, remedy: str) -> None:
    with pytest.raises(RefusedError, match="may not approve in prod") as caught:
        require_listed(CONFIG, waiting("hello", "prod"), name)
    assert caught.value.remedy == remedy
    require_listed(CONFIG, waiting("hello", "prod"), "bob")
    require_listed(None, waiting("hello", "prod"), name)


@pytest.mark.parametrize(
    ("approver", "asked", "yes", "answers"),
    [
        ("alice", True, False, "alice"),
        (None, True, False, "me"),
        ("alice", False, True, "alice"),
        (None, False, True, None),
        ("alice", False, False, None),
        (None, False, False, None),
        ("", False, True, None),
    ],
)
def test_the_login_name_counts_only_where_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch, approver: str | None, asked: bool, yes: bool, answers: str | None
) -> None:
    monkeypatch.setenv("TOWPATH_ACTOR", "me")
    if answers is None:
        with pytest.raises(RefusedError) as caught:
            named_person(approver, asked=asked, yes=yes)
        assert "Give both --yes and --as NAME" in str(caught.value.remedy)
    else:
        assert named_person(approver, asked=asked, yes=yes) == answers
