"""Which stages a Dockerfile has."""

import pytest

from towpath.adapters.images.dockerfile import has_stage, stages


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM scratch\n", ("0",)),
        ("FROM python AS build\nFROM build AS test\nRUN pytest\nFROM scratch\n", ("build", "test", "2")),
        ("from python as Test\n", ("Test",)),
        ("FROM --platform=linux/amd64 python:3 AS test\n", ("test",)),
        ("# FROM x AS test\nFROM scratch\n", ("0",)),
        ("FROM python \\\n  AS test\n", ("test",)),
        ("FROM python \\\n# why\n\n  AS test\n", ("test",)),
        ("# escape=`\nFROM python `\n AS test\nRUN dir C:\\\nFROM scratch\n", ("test", "1")),
        ("FROM a AS b\nRUN <<EOF\nFROM x AS test\nEOF\nFROM scratch AS c\n", ("b", "c")),
        ('FROM a AS b\nCOPY <<"ONE" <<-TWO /x\nFROM x AS test\nONE\n\tTWO\nFROM b AS c\n', ("b", "c")),
        ("RUN echo FROM x AS test\nFROM b AS c\n", ("c",)),
        ("\ufeffFROM a AS test\r\n", ("test",)),
        ("ARG V=1\nFROM python:${V} AS test\n", ("test",)),
        ("", ()),
    ],
)
def test_stages_by_name_or_number(text: str, names: tuple[str, ...]) -> None:
    assert stages(text) == names


def test_a_target_of_more_digits_than_a_number_has_is_none() -> None:
    assert not has_stage("FROM a\n", "9" * 5000)


def test_a_target_is_a_name_in_any_case_or_a_place() -> None:
    text = "FROM a AS build\nFROM build AS Test\n"
    assert [has_stage(text, target) for target in ("test", "TEST", "0", "1", "2", "tests", "")] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]
