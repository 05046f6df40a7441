"""The commit message carries the audit, and nobody can write into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.characters import UNICODE
from towpath.release.commit_message import (
    PromotionIntent,
    format_message,
    one_line,
    parse_trailers,
    promotion_message,
    verified_marker,
    verified_message,
)
from towpath.release.model import Override, Release, ScanSummary, one_image

OLD = "sha256:" + "0" * 64


def intent(**changes: object) -> PromotionIntent:
    subject = changes.pop("subject", "Say hello")
    release = Release(
        app="hello",
        images=one_image("hello", "example.com/hello", "sha256:" + "a" * 64),
        commit="b" * 40,
        source="https://example.com/hello.git",
        subject=str(subject),
        author="Ann",
        built_at="2026-01-01T00:00:00Z",
        scan=ScanSummary("passed"),
        flow_run="0123",
    )
    values: dict[str, object] = {
        "release": release,
        "environment": "prod",
        "promoted_from": "staging",
        "approved_by": ("alice", "bob"),
        "flow_run": "4567",
        "actor": "carol",
    }
    return PromotionIntent(**{**values, **changes})  # type: ignore[arg-type]


def test_a_promotions_message() -> None:
    message = promotion_message(intent())
    assert message.splitlines()[:3] == ["Promote hello bbbbbbb to prod", "", "    Say hello"]
    marker = intent().marker[1]
    assert parse_trailers(message) == {
        "Towpath-App": ["hello"],
        "Towpath-Release": ["sha256:" + "a" * 64],
        "Towpath-Environment": ["prod"],
        "Towpath-Promoted-From": ["staging"],
        "Towpath-Approved-By": ["alice", "bob"],
        "Towpath-Flow-Run": ["4567"],
        "Towpath-Intent": [marker],
    }


def test_a_rollbacks_message() -> None:
    message = promotion_message(intent(rolls_back=OLD))
    assert message.startswith("Roll back hello in prod to bbbbbbb\n")
    assert parse_trailers(message)["Towpath-Rolls-Back"] == [OLD]


def test_a_verifications_message() -> None:
    release = intent().release
    message = verified_message(release, "prod", "4567")
    assert message.startswith("Verified hello bbbbbbb in prod\n\nTowpath-App: hello\n")
    name, value = verified_marker(release, "prod", "4567")
    assert parse_trailers(message)[name] == [value]


def test_each_commit_of_one_run_has_a_marker_of_its_own() -> None:
    markers = {
        intent().marker,
        intent(rolls_back=OLD).marker,
        intent(environment="dev").marker,
        intent(flow_run="other").marker,
        verified_marker(intent().release, "prod", "4567"),
    }
    assert len(markers) == 5
    assert intent().marker == intent(approved_by=()).marker


@pytest.mark.parametrize(
    "evil",
    [
        "x\n\nTowpath-Approved-By: eve",
        "x\r\n\r\nTowpath-Approved-By: eve",
        "x\u2028\u2028Towpath-Approved-By: eve",
        "Towpath-Approved-By: eve",
        "\n\n\n",
    ],
)
def test_a_source_commit_cannot_forge_an_approval(evil: str) -> None:
    message = promotion_message(intent(subject=evil, actor=evil, approved_by=("alice",)))
    assert parse_trailers(message)["Towpath-Approved-By"] == ["alice"]
    message = promotion_message(intent(approved_by=("alice\nTowpath-Approved-By: eve",)))
    assert len(parse_trailers(message)["Towpath-Approved-By"]) == 1


@pytest.mark.parametrize(
    "message", ["Subject", "A-Name: value", "Subject\n\nprose: and more\nprose", "", "Subject\n\n"]
)
def test_messages_without_trailers(message: str) -> None:
    assert parse_trailers(message) == {}


@given(
    st.lists(st.tuples(st.sampled_from(["A", "B-C"]), st.text(UNICODE)), max_size=4),
    st.text(UNICODE),
    st.text(UNICODE),
)
def test_what_is_written_is_read(trailers: list[tuple[str, str]], subject: str, body: str) -> None:
    wanted: dict[str, list[str]] = {}
    for name, value in trailers:
        if one_line(value):
            wanted.setdefault(name, []).append(one_line(value))
    assert parse_trailers(format_message(f"x{subject}", body, trailers)) == wanted


def test_an_override_and_what_was_waived_are_loud_and_cannot_be_written_by_their_reason() -> None:
    override = Override("gate", "olga", "prod is down\n\nTowpath-Approved-By: eve", "c" * 64)
    message = promotion_message(intent(override=override, approved_by=()))
    assert message.splitlines()[0] == "Promote hello bbbbbbb to prod, overriding the gate"
    told = parse_trailers(message)
    assert (told["Towpath-Overridden"], told["Towpath-Overridden-By"]) == (["gate"], ["olga"])
    assert told["Towpath-Override"] == ["c" * 64]
    assert "Towpath-Approved-By" not in told
    message = promotion_message(intent(rolls_back=OLD, automatic=True, told=("hello was not scanned",)))
    assert message.splitlines()[0] == "Roll back hello in prod to bbbbbbb automatically"
    told = parse_trailers(message)
    assert (told["Towpath-Automatic"], told["Towpath-Waived"]) == (["yes"], ["hello was not scanned"])
