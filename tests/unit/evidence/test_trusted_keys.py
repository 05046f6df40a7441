"""Trusted keys: what a line trusts, when, and which lines are refused."""

import subprocess
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.characters import ASCII, UNICODE
from tests.unit.evidence.examples import ALICE, BUILD, MALLORY, NOW, trusted
from tests.unit.evidence.keys import KEYS
from towpath.errors import ConfigError, UntrustedSignatureError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import (
    APPROVALS,
    CLOCK_SKEW,
    COMMITS,
    EVIDENCE,
    LATE,
    TrustedKey,
    TrustedKeys,
    parse_line,
    parse_trusted_keys,
)

KEY = BUILD.public.openssh
DAY = timedelta(days=1)


def test_lines_are_read_with_their_numbers() -> None:
    text = (
        f"# who signs\n\nbuild {KEY}\n"
        'alice,alice@example.com namespaces="towpath",valid-after="20260101Z"'
        f" {ALICE.public.openssh} a laptop\n"
    )
    build, alice = parse_trusted_keys(text, "allowed_signers").entries
    assert (build.principals, build.namespaces, build.line) == (("build",), (), 3)
    assert (alice.principals, alice.namespaces) == (("alice", "alice@example.com"), ("towpath",))
    assert (alice.valid_after, alice.comment, alice.line) == (datetime(2026, 1, 1, tzinfo=UTC), "a laptop", 4)


@settings(deadline=None)
@given(
    st.lists(
        st.from_regex(r"[A-Za-z0-9@._+-]{1,20}", fullmatch=True, alphabet=ASCII), min_size=1, max_size=3
    ),
    st.lists(st.sampled_from([COMMITS, APPROVALS, EVIDENCE]), unique=True),
    st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
    st.none() | st.datetimes(datetime(2031, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(sorted(KEYS)),
    st.sampled_from(["", "a comment", "me@laptop"]),
)
def test_a_line_is_read_as_it_was_written(
    names: list[str],
    namespaces: list[str],
    after: datetime | None,
    before: datetime | None,
    kind: str,
    comment: str,
) -> None:
    after, before = (time and time.replace(microsecond=0, tzinfo=UTC) for time in (after, before))
    entry = TrustedKey(tuple(names), KEYS[kind].public, tuple(namespaces), after, before, comment)
    assert parse_line(str(entry)) == entry


@settings(deadline=None)
@given(st.text(UNICODE, max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_trusted_keys(text, "allowed_signers")
    except ConfigError as error:
        assert error.problems


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("build", "lacks"),
        (f"{KEY}", "lacks|name"),
        (f"* {KEY}", "no name"),
        (f"*@example.com {KEY}", "no name"),
        (f"!mallory,build {KEY}", "no name"),
        (f"buil? {KEY}", "no name"),
        (f'"" {KEY}', "no name"),
        (f"build, {KEY}", "no name"),
        (f"build cert-authority {KEY}", "trust more"),
        (f'build cert-authority,namespaces="git" {KEY}', "trust more"),
        (f'build no-touch-required,namespaces="git" {KEY}', "trust more"),
        (f'build namespaces="*" {KEY}', "no name"),
        (f'build namespaces="" {KEY}', "may sign nothing"),
        (f'build namespaces="git",namespaces="towpath" {KEY}', "twice"),
        (f'build namespaces="git {KEY}', "lacks|key|name|not supported"),
        (f'build valid-before="20261101" {KEY}', "UTC"),
        (f'build valid-before="2026-11-01T00:00:00Z" {KEY}', "UTC"),
        (f'build valid-before="20261341Z" {KEY}', "does not exist"),
        (f'build valid-after="20261101Z",valid-before="20261101Z" {KEY}', "never valid"),
        (f'build valid-before="forever" {KEY}', "UTC"),
        ("build ssh-ed25519 AAAA", "cut off"),
        (f"build {KEY[:-8]}", "base64|damaged|cut off"),
        (f"build {KEY.replace('ssh-ed25519', 'ssh-rsa')}", "says 'ssh-rsa'"),
    ],
    ids=count(),  # the texts hold a key that each test process makes anew
)
def test_a_line_that_could_trust_more_is_refused(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_trusted_keys(f"alice {KEY}\n{line}\n", "allowed_signers")
    assert str(caught.value).startswith("allowed_signers:2: ")
    assert caught.value.remedy


def test_every_wrong_line_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_trusted_keys(f"* {KEY}\nbuild {KEY}\nalice ssh-ed25519 x\n", "keys")
    assert [problem.line for problem in caught.value.problems] == [1, 3]


def test_the_text_is_bounded() -> None:
    with pytest.raises(ConfigError, match="more than 1048576"):
        parse_trusted_keys("#" * 2_000_000, "keys")
    with pytest.raises(ConfigError, match="more than 1000 keys"):
        parse_trusted_keys(f"build {KEY}\n" * 1001, "keys")


def test_the_signer_is_told_by_name() -> None:
    assert trusted().principal(BUILD.public, EVIDENCE, ["build"], NOW) == "build"
    assert trusted().principal(BUILD.public, COMMITS, {"prod", "build"}, NOW, NOW) == "build"


@pytest.mark.parametrize(
    ("key", "namespace", "expected", "said"),
    [
        (MALLORY, EVIDENCE, "build", "not among the 2 trusted keys"),
        (ALICE, EVIDENCE, "build", "is alice's, and only build may sign"),
        (BUILD, APPROVALS, "build", "may sign git or towpath-evidence only, not towpath"),
        (ALICE, COMMITS, "alice", "may sign towpath only"),
        (BUILD, EVIDENCE, "builds", "is build's"),
        (BUILD, EVIDENCE, "BUILD", "is build's"),
    ],
)
def test_who_is_not_trusted_is_refused(key: PrivateKey, namespace: str, expected: str, said: str) -> None:
    with pytest.raises(UntrustedSignatureError, match=said) as caught:
        trusted().principal(key.public, namespace, [expected], NOW)
    assert caught.value.remedy


def test_nobody_expected_is_nobody_trusted() -> None:
    with pytest.raises(UntrustedSignatureError, match="only nobody may sign"):
        trusted().principal(BUILD.public, EVIDENCE, [], NOW)


def test_a_retired_key_verifies_what_it_signed_before_its_end() -> None:
    keys = trusted(valid_before=NOW)
    assert keys.principal(BUILD.public, EVIDENCE, ["build"], NOW - DAY, NOW + 30 * DAY) == "build"
    for signed_at in (NOW, NOW + timedelta(seconds=1), NOW + DAY):
        with pytest.raises(UntrustedSignatureError, match="was valid until 2026-11-21T12:00:00Z only"):
            keys.principal(BUILD.public, EVIDENCE, ["build"], signed_at)


def test_a_key_signs_nothing_before_its_begin() -> None:
    keys = trusted(valid_after=NOW)
    assert keys.principal(BUILD.public, EVIDENCE, ["build"], NOW) == "build"
    with pytest.raises(UntrustedSignatureError, match="not valid before"):
        keys.principal(BUILD.public, EVIDENCE, ["build"], NOW - timedelta(seconds=1))


def test_nothing_is_dated_after_it_was_received() -> None:
    assert trusted().principal(BUILD.public, EVIDENCE, ["build"], NOW + CLOCK_SKEW, NOW) == "build"
    with pytest.raises(UntrustedSignatureError, match="in the future"):
        trusted().principal(BUILD.public, EVIDENCE, ["build"], NOW + CLOCK_SKEW + timedelta(seconds=1), NOW)


def test_what_arrives_long_after_its_keys_end_is_not_believed() -> None:
    keys = trusted(valid_before=NOW)
    for received, arrives, trusted_still in (
        (NOW + LATE - timedelta(seconds=1), True, True),
        (NOW + LATE, True, False),
        (NOW + 90 * DAY, True, False),
        (NOW + 90 * DAY, False, True),
        (None, True, True),
    ):
        if trusted_still:
            keys.principal(BUILD.public, COMMITS, ["build"], NOW - DAY, received, arrives=arrives)
            continue
        with pytest.raises(UntrustedSignatureError, match="and this arrived at"):
            keys.principal(BUILD.public, COMMITS, ["build"], NOW - DAY, received, arrives=arrives)


def test_one_line_that_holds_is_enough() -> None:
    again = TrustedKey(("build",), BUILD.public, (EVIDENCE,), valid_after=NOW + DAY)
    keys = trusted(again, valid_before=NOW)
    assert keys.principal(BUILD.public, EVIDENCE, ["build"], NOW - DAY) == "build"
    assert keys.principal(BUILD.public, EVIDENCE, ["build"], NOW + DAY) == "build"
    with pytest.raises(UntrustedSignatureError):
        keys.principal(BUILD.public, EVIDENCE, ["build"], NOW)


def test_openssh_judges_our_file_as_we_do(tmp_path: Path) -> None:
    end = datetime(2026, 6, 1, tzinfo=UTC)
    entry = TrustedKey(("build",), BUILD.public, (APPROVALS,), None, end, "made by a test")
    (tmp_path / "allowed").write_text(f"# keys\n{entry}\n")
    (tmp_path / "sig").write_text(sign_text(b"text", APPROVALS, BUILD))
    ours = parse_trusted_keys((tmp_path / "allowed").read_text(), "allowed")
    for moment, accepted in ((end - DAY, True), (end + DAY, False)):
        told = subprocess.run(
            [
                *("ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "build", "-n", APPROVALS),
                *("-s", tmp_path / "sig", "-O", f"verify-time={moment:%Y%m%d%H%M%S}Z"),
            ],
            input=b"text",
            capture_output=True,
            check=False,
        )
        assert (told.returncode == 0) is accepted, told
        assert judged(ours, moment) is accepted


def judged(keys: TrustedKeys, moment: datetime) -> bool:
    try:
        return keys.principal(BUILD.public, APPROVALS, ["build"], moment) == "build"
    except UntrustedSignatureError:
        return False
