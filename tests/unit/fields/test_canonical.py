import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.fields.canonical import canonical_json, digest, without_server_fields

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT


def json_bytes(value: Any) -> bytes:
    """The form that stored digests were made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner)))
def test_any_value_has_the_bytes_of_stored_digests(value: Any) -> None:
    assert canonical_json(value) == json_bytes(value)


@pytest.mark.parametrize(
    "value",
    [
        {"weight": 1e16, "small": 1e-7, "plain": 0.5},
        {"share": 6.1e-05, "less": -1.25e-5, "least": 0.0001},
        {"limit": 2**64, "lowest": -(2**63) - 1},
        {"text": "1e5", "nothing": None},
        {"rate": float("nan"), "most": float("inf")},
        {"é": 1, "z": 2, "🙂": 3, "\uffff": 4},
        {"lines": "a\u2028b\x7f\n\t"},
    ],
)
def test_rare_values_have_the_bytes_of_stored_digests(value: Any) -> None:
    assert canonical_json(value) == json_bytes(value)


def test_order_of_keys_does_not_count() -> None:
    assert canonical_json({"b": 1, "a": [{"d": 1, "c": 2}]}) == b'{"a":[{"c":2,"d":1}],"b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1})


def test_comparable_leaves_the_input_alone() -> None:
    live = {"metadata": {"name": "a", "uid": "u", "labels": {}}, "status": {}, "spec": 1}
    assert without_server_fields(live) == {"metadata": {"name": "a"}, "spec": 1}
    assert live["status"] == {}
