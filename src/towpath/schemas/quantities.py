"""Amounts of Kubernetes quantities: 500m, 2Gi, 1e3."""

import re
from fractions import Fraction
from typing import Any

_PARTS = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([eE])([+-]?[0-9]{1,2})|([a-zA-Z]{0,2}))\Z", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FACTORS = {
    **{suffix: Fraction(10) ** power for suffix, power in _DECIMAL.items()},
    **{f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
_MOST_CHARACTERS = 60


def amount(quantity: Any) -> Fraction | None:
    """The number that a quantity stands for; None for what is none, or longer than anybody writes."""
    text = str(quantity) if isinstance(quantity, (str, int, float)) and not isinstance(quantity, bool) else ""
    match = _PARTS.match(text[:_MOST_CHARACTERS])
    if not match or len(text) > _MOST_CHARACTERS:
        return None
    digits, _, exponent, suffix = match.groups()
    factor = Fraction(10) ** int(exponent) if exponent else _FACTORS.get(suffix or "")
    return None if factor is None else Fraction(digits.removesuffix(".")) * factor
