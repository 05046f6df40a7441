"""Signatures beside examples that the forges publish, and times."""

import base64

import pytest

from towpath.door.signatures import is_fresh, is_token, signs_github, signs_gitlab


def test_github_s_published_example() -> None:
    secret, body = b"It's a Secret to Everybody", b"Hello, World!"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signs_github([secret], body, signature)
    assert signs_github([b"old", secret], body, signature)
    for wrong in (signature[7:], signature.upper(), f"sha1={signature[7:]}", "", "sha256=", f"{signature} "):
        assert not signs_github([secret], body, wrong)
    assert not signs_github([], body, signature)


def test_the_published_example_of_standard_webhooks() -> None:
    secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    identity, at = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signs_gitlab([secret], identity, at, body, signature)
    assert not signs_gitlab([secret], identity, "1614265331", body, signature)
    assert not signs_gitlab([base64.b64encode(secret)], identity, at, body, signature)


def test_a_token_is_one_of_the_secrets() -> None:
    assert is_token([b"one", b"two"], "two")
    for wrong in ("", "tw", "two ", "Two", "\udcff"):
        assert not is_token([b"one", b"two"], wrong)
    assert not is_token([], "")


@pytest.mark.parametrize(
    ("timestamp", "fresh"),
    [
        ("1000", True),
        ("701", True),
        ("1299", True),
        ("699", False),
        ("1301", False),
        ("", False),
        ("-1000", False),
        ("1000.0", False),
        ("1e3", False),
        ("٠١٢٣", False),
        ("9" * 30, False),
    ],
)
def test_times(timestamp: str, fresh: bool) -> None:
    assert is_fresh(timestamp, 1000.0) is fresh


def test_what_was_signed_before_the_start_does_not_count() -> None:
    assert is_fresh("990", 1000.0, 990.5)
    assert not is_fresh("989", 1000.0, 990.5)
