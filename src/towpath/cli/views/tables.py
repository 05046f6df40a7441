"""Tables for people: columns as wide as their widest cell, long cells cut."""

from collections.abc import Sequence
from datetime import UTC, datetime

from towpath.printable import printable

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_TWO = {"d": 8, "h": 10, "m": 10}
"""Below so many of a unit, the next one is told too: `3h12m`."""


def table(rows: Sequence[Sequence[str]], *, widest: int = 60) -> str:
    """Lines of aligned columns; the last column is never cut, and no line ends with blanks."""
    cells = [[_cell(cell, widest, last=at == len(row) - 1) for at, cell in enumerate(row)] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def age(moment: str | None, now: datetime | None = None) -> str:
    """How long ago an RFC 3339 time was, as kubectl tells it: `45s`, `3h12m`, `12d`; `-` for none."""
    try:
        then = datetime.fromisoformat(moment or "")
    except ValueError:
        return "-"
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    left = max(0, int(((now or datetime.now(UTC)) - then).total_seconds()))
    for at, (unit, size) in enumerate(_UNITS):
        number, rest = divmod(left, size)
        if number or unit == "s":
            if number < _TWO.get(unit, 0) and (smaller := rest // _UNITS[at + 1][1]):
                return f"{number}{unit}{smaller}{_UNITS[at + 1][0]}"
            return f"{number}{unit}"
    raise AssertionError


def _cell(text: str, widest: int, *, last: bool) -> str:
    text = " ".join(printable(text).splitlines())
    return text if last or len(text) <= widest else f"{text[: widest - 1]}…"
