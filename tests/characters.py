"""Alphabets for Hypothesis.

Its own default is what UTF-8 can hold. To find that out it encodes and decodes each of 1.1 million code
points, in each process of tests of a fresh clone.
"""

from hypothesis import strategies as st

UNICODE = st.characters(exclude_categories=["Cs"])
"""What UTF-8 can hold: all but surrogates."""
ASCII = st.characters(max_codepoint=127)
