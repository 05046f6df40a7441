from fractions import Fraction
from typing import Any

import pytest

from towpath.schemas.quantities import amount


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("500m", Fraction(1, 2)),
        ("2Gi", 2 << 30),
        ("1.5Ki", 1536),
        ("1E", 10**18),
        ("1e3", 1000),
        ("1E+2", 100),
        ("+.5", Fraction(1, 2)),
        ("5.", 5),
        ("-3u", Fraction(-3, 10**6)),
        (0.25, Fraction(1, 4)),
        (7, 7),
        ("1e-9", Fraction(1, 10**9)),
    ],
)
def test_the_amount_of_a_quantity(quantity: Any, expected: Any) -> None:
    assert amount(quantity) == expected


@pytest.mark.parametrize(
    "quantity", ["", "x", "1 Gi", "1Gib", "1ee", "1e", True, None, [], "1e999", "9" * 61]
)
def test_what_is_no_quantity_has_no_amount(quantity: Any) -> None:
    assert amount(quantity) is None
