"""`watch` of an image in `towpath.yaml`: which of the tags in its repository is the newest."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from heapq import nlargest
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic_core import SchemaError, SchemaValidator, core_schema

from towpath.config.keys.fields import Duration, Model, Text

SHORTEST_POLL = timedelta(seconds=10)
MAX_PATTERN = 200
"""Characters of a pattern of tags."""
_NUMBER = re.compile(r"(\d+)")
_OURS = re.compile(r".+\.towpath|sha256-[0-9a-f]{64}(\..+)?")
"""Tags of release records, of evidence, and of signatures: they name no image to run."""


class ImageWatch(Model):
    """Which tags of an image's repository are looked at, and which one of them is the newest."""

    glob: Annotated[
        Text | None,
        Field(max_length=MAX_PATTERN, description="Tags such as `main-*`; the last one by name and number."),
    ] = None
    regex: Annotated[
        Text | None,
        Field(
            max_length=MAX_PATTERN,
            description="As `glob`, by a regular expression without look-around for the whole tag.",
        ),
    ] = None
    semver: Annotated[
        Text | None, Field(description="Range such as `^1.4`; the highest version of the tags in it.")
    ] = None
    newest: Annotated[
        Text | None,
        Field(
            description="Label of the images by which the newest is found, for example"
            " org.opencontainers.image.created; with a pattern, or of all tags."
        ),
    ] = None
    poll: Annotated[Duration, Field(description="How often the registry is asked (at least 10s).")] = (
        timedelta(minutes=5)
    )

    @field_validator("poll")
    @classmethod
    def _not_in_a_hurry(cls, value: timedelta) -> timedelta:
        if value < SHORTEST_POLL:
            raise ValueError("must be at least 10s")
        return value

    @field_validator("semver")
    @classmethod
    def _range(cls, value: str | None) -> str | None:
        if value is not None:
            from towpath.config.keys.ranges import parse_range

            parse_range(value)
        return value

    @field_validator("regex")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        if value is not None:
            _whole(value)
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "ImageWatch":
        patterns = [name for name in ("glob", "regex", "semver") if getattr(self, name) is not None]
        if len(patterns) > 1:
            raise ValueError(f"must have only one of {' and '.join(f'`{name}`' for name in patterns)}")
        if self.semver is not None and self.newest is not None:
            raise ValueError("`newest` does not go with `semver`, which has an order of its own")
        if not patterns and self.newest is None:
            raise ValueError("must have `glob`, `regex`, `semver` or `newest`")
        return self

    def best(self, tags: Iterable[str], number: int) -> tuple[list[str], int]:
        """The `number` last of the tags that match, the last one first, and how many match."""
        matches = self.matches
        counted = _Counted(tag for tag in tags if matches(tag) and not _OURS.fullmatch(tag))
        return nlargest(number, counted, key=self._order), counted.number

    @property
    def matches(self) -> Callable[[str], bool]:
        """Whether a tag is looked at."""
        if self.semver is not None:
            from towpath.config.keys.ranges import parse_range, parse_version

            wanted = parse_range(self.semver)
            return lambda tag: (version := parse_version(tag)) is not None and version in wanted
        if self.regex is not None:
            return _whole(self.regex).isinstance_python
        if self.glob is not None:
            pattern = re.compile(fnmatch.translate(self.glob))
            return lambda tag: pattern.fullmatch(tag) is not None
        return lambda _: True

    def _order(self, tag: str) -> Any:
        if self.semver is None:
            return self.order_of(tag)
        from towpath.config.keys.ranges import parse_version

        return parse_version(tag)

    @staticmethod
    def order_of(text: str) -> tuple[tuple[int, int, str], ...]:
        """What orders texts so that `main-9` comes before `main-10`, and times of RFC 3339 in UTC by time."""
        parts = _NUMBER.split(text)
        return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)


class _Counted(Iterator[str]):
    """Counts what goes through."""

    def __init__(self, items: Iterator[str]) -> None:
        self.items, self.number = items, 0

    def __next__(self) -> str:
        item = next(self.items)
        self.number += 1
        return item


def _whole(pattern: str) -> SchemaValidator:
    """Whether a text is the pattern as a whole, in time linear to it. Raises ValueError for a bad pattern."""
    try:
        schema = core_schema.str_schema(pattern=f"^(?:{pattern})$", regex_engine="rust-regex")
        return SchemaValidator(schema)
    except SchemaError as error:
        problem = str(error).strip().splitlines()[-1].removeprefix("error:").strip()
        raise ValueError(f"is no regular expression: {problem}") from None
