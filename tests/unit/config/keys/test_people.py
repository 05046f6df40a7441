"""Who is who: several spellings are one person, and the same spelling is nobody else's."""

import pytest

from towpath.config import parse_config
from towpath.config.keys.people import People, Person
from towpath.errors import ConfigError

PEOPLE = People(
    {
        "alice": Person(
            names=("Alice Liddell",),
            addresses=("alice@example.com", "a.liddell@home.example"),
            groups=("leads",),
        ),
        "bob": Person(addresses=("bob@example.com",), groups=("leads", "ops")),
        "Zoë": Person(names=("Zoe Ångström",)),
    }
)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("alice", "alice"),
        ("ALICE", "alice"),
        ("  Alice   LIDDELL ", "alice"),
        ("A.Liddell@HOME.example", "alice"),
        ("Alice Liddell <alice@example.com>", "alice"),
        ("\uff41lice", "alice"),  # full-width letter
        ("Zoe A\u030angstro\u0308m", "Zoë"),  # letters with combining marks
        ("bob", "bob"),
        # Rights need what is written:
        ("alice+work@example.com", "alice+work@example.com"),
        ("alice@evil.example", "alice@evil.example"),
        ("Alice Liddell <eve@evil.example>", "Alice Liddell <eve@evil.example>"),
        ("Alice Liddell <bob@example.com>", "Alice Liddell <bob@example.com>"),
        ("carol", "carol"),
        ("", ""),
    ],
)
def test_a_person_is_known_by_each_name_and_address(text: str, person: str) -> None:
    assert PEOPLE.person(text) == person


@pytest.mark.parametrize(
    ("approver", "author", "same"),
    [
        ("alice", "Alice Liddell <x@y.example>", True),
        ("alice@example.com", "Ally <a.liddell@home.example>", True),
        ("carol+work@example.com", "C <carol@example.com>", True),
        ("carol@example.com", "C <carol+git@example.com>", True),
        ("carol@example.com", "Carol <carol@elsewhere.example>", False),
        ("alice", "Ally <alice+git@example.com>", True),
        ("alice", "alice@elsewhere.example", True),
        ("alice", "Bob <alice@example.com>", True),
        ("bob", "Alice Liddell <bob@example.com>", True),
        ("carol", "Carol <carol@example.com>", True),
        ("carol", "CAROL", True),
        ("alice", "Bob <bob@example.com>", False),
        ("alice", "Alice Smith <asmith@example.com>", False),
        ("alice", "", False),
    ],
)
def test_who_could_be_the_author(approver: str, author: str, same: bool) -> None:
    assert PEOPLE.is_author(approver, author) is same


def test_approvers_are_named_or_members_of_a_group_and_count_once() -> None:
    assert PEOPLE.approvers((), ("leads",)) == {"alice", "bob"}
    assert PEOPLE.approvers(("alice@example.com", "Alice Liddell", "carol"), ("ops",)) == {
        "alice",
        "bob",
        "carol",
    }
    assert PEOPLE.approvers((), ("nobody",)) == frozenset()


HEAD = "apiVersion: towpath.dev/v2\nenvironments:\n"
PROD = "  - {name: prod, namespace: prod, gate: {approvals: {%s}}}\n"


@pytest.mark.parametrize(
    ("approvals", "people", "said"),
    [
        (
            "required: 2, from: [alice, alice@example.com]",
            "people: {alice: {addresses: [alice@example.com]}}\n",
            "2 approvals are required, but only 1 may approve",
        ),
        ("groups: [leeds]", "people: {a: {groups: [leads]}}\n", "the group `leeds`; did you mean `leads`?"),
        ("groups: [leads]", "", "nobody in `people` is in the group `leads`"),
        (
            "",
            "people: {a: {addresses: [x@y.example]}, b: {addresses: [X@Y.example]}}\n",
            "`X@Y.example` is `a`'s and `b`'s",
        ),
        ("", "people: {a: {}, b: {names: [A]}}\n", "`A` is `a`'s and `b`'s"),
        ("", "people: {a: {addresses: [ann]}}\n", "must be a mail address"),
        ("", "people: {a: {keys: [secret]}}\n", "must be a public key of OpenSSH"),
        ("", "people: {a: {group: [x]}}\n", "unknown key `group` in people.a; did you mean `groups`?"),
        ("kind: identified", "", "`identified` is planned and not there yet: must be `declared` or `signed`"),
        ("kind: reviewed", "", "`reviewed` is planned and not there yet"),
        ("kind: shouted", "", "must be 'declared' or 'signed'"),
        ("expires: 0s", "", "must be longer than nothing"),
        ("expires: soon", "", "must be a duration"),
    ],
)
def test_what_is_wrong_has_its_line(approvals: str, people: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"^towpath.yaml:[34]: ") as caught:
        parse_config(HEAD + PROD % approvals + people)
    assert said in caught.value.message


def test_a_group_is_enough_to_require_approvals() -> None:
    config = parse_config(
        HEAD + PROD % "required: 2, groups: [leads], kind: signed, expires: 1d"
        "" + "people: {a: {groups: [leads]}, b: {groups: [leads]}}\n"
    )
    assert config.approvers("prod") == {"a", "b"}


@pytest.mark.parametrize("key", ["kind: signed", "groups: [x]", "expires: 1d"])
def test_the_first_version_of_the_file_does_not_know_them(key: str) -> None:
    with pytest.raises(ConfigError, match=r"is known since towpath\.dev/v2"):
        parse_config(HEAD.replace("v2", "v1") + PROD % key)
    with pytest.raises(ConfigError, match=r"`people` is known since towpath\.dev/v2"):
        parse_config(HEAD.replace("v2", "v1") + PROD % "" + "people: {}\n")
