from typing import Any

import pytest

from towpath.admission.data import data_problems

LETTERS = "letters, digits, `-`, `_` and `.`"


def of(kind: str, **fields: Any) -> list[str]:
    return list(data_problems({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **fields}))


def test_texts_and_base64_are_right() -> None:
    assert of("ConfigMap", data={"a.b_c-1": "x", "none": None}, binaryData={"b": "aGk="}) == []
    assert of("Secret", data={"a": "aGVs\nbG8=\n"}, stringData={"b": "x"}) == []
    assert of("Deployment", data=[1]) == []


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("ConfigMap", {"data": {"a": 1}}, "`data.a` is not a string; quote its value"),
        ("ConfigMap", {"binaryData": {"a": "canary!"}}, "`binaryData.a` is not base64"),
        ("Secret", {"data": {"a": "canary!"}}, "`data.a` is not base64; use `stringData` for plain text"),
        ("Secret", {"stringData": ["canary"]}, "`stringData` is not a mapping"),
        (
            "ConfigMap",
            {"data": {"canary/": "a"}},
            "`data` has a key that is not of letters, digits, `-`, `_` and `.`",
        ),
    ],
)
def test_what_an_api_server_would_refuse_is_told_without_its_value(
    kind: str, fields: dict[str, Any], said: str
) -> None:
    assert of(kind, **fields) == [said]


@pytest.mark.parametrize("key", ["..", "..a", "...", "..data", "..2026_01_01"])
@pytest.mark.parametrize(("kind", "field"), [("ConfigMap", "data"), ("Secret", "stringData")])
def test_no_key_leads_out_of_a_volume(key: str, kind: str, field: str) -> None:
    [problem] = of(kind, **{field: {key: "x"}})
    assert problem.startswith(f"`{field}` has a key that ")


@pytest.mark.parametrize("key", [".a", ".dockerconfigjson", "a..b", "a..", "-", "_.."])
def test_a_key_may_begin_with_one_dot(key: str) -> None:
    assert of("ConfigMap", data={key: "x"}) == []
