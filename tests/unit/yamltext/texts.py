"""Texts that a reader of YAML may take for numbers, for Hypothesis."""

from hypothesis import strategies as st

_SIGNS = st.sampled_from(["", "-", "+"])
_HEXADECIMAL = "0123456789abcdefABCDEF_"


def number_like(
    digits: str = "0123456789_.",
    *,
    sizes: tuple[int, int] = (0, 8),
    marks: str = "eE:x",
    rest: str = _HEXADECIMAL,
    rest_sizes: tuple[int, int] = (0, 8),
) -> st.SearchStrategy[str]:
    """A sign, digits, and perhaps a mark with a sign and more digits.

    As a pattern, each character would be drawn by itself, which takes most of the time of a test.
    """
    behind = st.tuples(st.sampled_from(marks), _SIGNS, _of(rest, rest_sizes)).map("".join)
    return st.tuples(_SIGNS, _of(digits, sizes), st.just("") | behind).map("".join)


def _of(characters: str, sizes: tuple[int, int]) -> st.SearchStrategy[str]:
    return st.text(characters, min_size=sizes[0], max_size=sizes[1])
