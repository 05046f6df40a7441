"""People: all names, addresses, groups and keys of one person in one place, so that nobody counts twice."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, StringConstraints

from towpath.config.keys.fields import ADDRESS, PUBLIC_KEY, Model, Name, Text

MAX_PEOPLE = 10_000


class Person(Model):
    """One person. The key in `people` is the name by which approvals are counted."""

    names: Annotated[
        tuple[Text, ...],
        Field(max_length=50, description="Further spellings, as commits have them."),
    ] = ()
    addresses: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=ADDRESS, max_length=320)], ...],
        Field(max_length=50, description="All mail addresses, as commits have them."),
    ] = ()
    groups: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    # Not `keys`: dict() takes whatever has an attribute of that name for a mapping.
    public_keys: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=PUBLIC_KEY, max_length=8000)], ...],
        Field(
            alias="keys",
            max_length=20,
            description="Public keys that sign approvals: `ssh-ed25519 AAAA…`, or with their end before them,"
            ' `valid-before="20261231Z" ssh-ed25519 AAAA…`.',
        ),
    ] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names and addresses but the key in `people`."""
        return (*self.names, *self.addresses)


@dataclass(frozen=True)
class People:
    """Tells who is who. Names and addresses are compared without case, width and further spaces."""

    persons: Mapping[str, Person] = field(default_factory=dict)
    _known: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known: dict[str, str] = {}
        for name, person in self.persons.items():
            for spelling in (name, *person.spellings):
                known.setdefault(normal(spelling), name)
        object.__setattr__(self, "_known", known)

    def person(self, text: str) -> str:
        """The person whose name or address it is, also as `Name <mail>`; the text itself where nobody's is.

        Only what is written in `people` counts here: by this people get rights.
        """
        text = " ".join(text.split())
        name, mail = parts(text)
        found = {self._known.get(normal(each)) for each in ((text,) if not mail else (name, mail)) if each}
        # A name of one and the address of another is nobody.
        return next(iter(found)) or text if len(found) == 1 else text

    def may_be(self, text: str) -> frozenset[str]:
        """Everybody whose name or address it could be, more rather than less: by this people lose rights.

        The part before the `@` counts as a name, and a tag (`alice+work@…`) does not count.
        """
        return frozenset(self._known.get(each, each) for each in _forms(text))

    def is_author(self, approver: str, author: str) -> bool:
        """Whether the author (`Name <mail>`, a name or an address) may be the approver."""
        strict = {normal(self.person(approver)), normal(approver), untagged(normal(approver))}
        return bool({self._known.get(each, each) for each in strict} & self.may_be(author))

    def members(self, groups: Collection[str]) -> frozenset[str]:
        """Everybody who is in one of the groups."""
        wanted = set(groups)
        return frozenset(name for name, person in self.persons.items() if wanted & set(person.groups))

    def approvers(self, names: Iterable[str], groups: Collection[str]) -> frozenset[str]:
        """Those who may approve: each person once."""
        return frozenset(map(self.person, names)) | self.members(groups)

    def groups(self) -> frozenset[str]:
        """All groups that have a member."""
        return frozenset(group for person in self.persons.values() for group in person.groups)

    def duplicates(self) -> Iterator[tuple[str, str, str]]:
        """(spelling, person, other person) where a name or an address is that of two."""
        owner: dict[str, str] = {}
        for name, person in self.persons.items():
            for spelling in (name, *person.spellings):
                other = owner.setdefault(normal(spelling), name)
                if other != name:
                    yield spelling, other, name


def normal(text: str) -> str:
    """For comparing: without case, width of letters, and further spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def parts(text: str) -> tuple[str, str]:
    """(name, address) of `Name <mail>`; the address is empty where there is none in angle brackets."""
    name, bracket, rest = text.partition("<")
    return (name.strip(), rest.partition(">")[0].strip()) if bracket else (text.strip(), "")


def untagged(address: str) -> str:
    """`alice@example.com` of `alice+work@example.com`."""
    local, at, host = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{host}" if at else address


def _forms(text: str) -> set[str]:
    name, mail = parts(text)
    forms = {text, name, mail}
    for address in (each for each in (name, mail) if "@" in each):
        plain = untagged(address)
        forms |= {address.rpartition("@")[0], plain, plain.rpartition("@")[0]}
    return {normal(each) for each in forms if each.strip()}
