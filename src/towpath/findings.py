"""What a `--check` found: the parts that a program needs, each looked at before the program starts."""

from collections.abc import Callable
from dataclasses import dataclass

from towpath.errors import TowpathError


@dataclass(frozen=True, slots=True)
class Finding:
    """One part that was looked at. `problem` is empty when it is as it must be."""

    part: str
    detail: str
    problem: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, str | bool]:
        """For `--output json`."""
        return {
            "part": self.part,
            "ok": not self.problem,
            "detail": self.problem or self.detail,
            "remedy": self.remedy,
        }


def look_at(part: str, look: Callable[[], str]) -> Finding:
    """What `look` says of the part, or its error."""
    try:
        return Finding(part, look())
    except TowpathError as error:
        return broken(part, error)


def broken(part: str, error: TowpathError) -> Finding:
    """The part is not as it must be."""
    return Finding(part, "", error.message, error.remedy or "")
