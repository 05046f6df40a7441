"""The table of widely used operators: (group, kind) -> judge. To add an operator, add a row."""

from functools import cache

from towpath.health.operators import (
    clouds,
    clusters,
    compute,
    databases,
    delivery,
    messaging,
    network,
    observability,
    openshift,
    policy,
    storage,
)
from towpath.health.operators.row import Row, Rows

_AREAS = (
    delivery,
    network,
    policy,
    databases,
    messaging,
    storage,
    compute,
    clusters,
    openshift,
    clouds,
    observability,
)


def _table() -> dict[tuple[str, str], Row]:
    table: dict[tuple[str, str], Row] = {}
    for area in _AREAS:
        rows: Rows = area.ROWS
        for group, kinds in rows.items():
            for names, row in kinds.items():
                for kind in names.split():
                    if (group, kind) in table:
                        raise ValueError(f"two rows for {kind} of {group}")
                    table[group, kind] = row
    return table


OPERATORS = _table()
_SUFFIXES = sorted(
    ((group[1:], group) for group, _kind in OPERATORS if group.startswith("*.")),
    key=lambda pair: -len(pair[0]),
)


@cache
def row_of(group: str, kind: str) -> Row | None:
    """The row for a kind; None when there is none."""
    groups = [group, *(pattern for suffix, pattern in _SUFFIXES if group.endswith(suffix))]
    for candidate in groups:
        for name in (kind, "*"):
            row = OPERATORS.get((candidate, name))
            if row is not None:
                return row
    return None
