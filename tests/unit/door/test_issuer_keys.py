"""Keys of an issuer: fetched, kept, fetched again, and never in a hurry."""

from typing import Any

import pytest

from tests.unit.door.issuer import AUDIENCE, OTHER_KEY, TestIssuer, jwk_of
from towpath.door.door_file import Issuer
from towpath.door.issuer_keys import KEPT, PAUSE, STALE, IssuerKeys, fetch_keys
from towpath.door.rules import RequestError
from towpath.errors import TransientError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def entry(issuer: TestIssuer, **more: Any) -> Issuer:
    return Issuer(url=issuer.url, audience=AUDIENCE, kind="github", **more)


def test_keys_are_fetched_once_and_again_after_a_while(issuer: TestIssuer) -> None:
    clock = Clock()
    keys = IssuerKeys(entry(issuer), clock)
    assert keys.find("one").algorithm_name == "RS256"
    assert keys.find("two").algorithm_name == "ES256"
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    clock.now = KEPT + 1
    keys.find("one")
    assert len(issuer.asked) == 4


def test_tokens_of_unknown_keys_do_not_hurry_the_issuer(issuer: TestIssuer) -> None:
    clock = Clock()
    keys = IssuerKeys(entry(issuer), clock)
    keys.find("one")
    for _ in range(50):
        with pytest.raises(RequestError, match="no key"):
            keys.find("new")
    assert len(issuer.asked) == 2
    issuer.keys.append(jwk_of(OTHER_KEY, "new"))
    clock.now = PAUSE + 1
    assert keys.find("new")  # the issuer has changed its keys
    issuer.keys = issuer.keys[2:]
    clock.now += KEPT + 1
    with pytest.raises(RequestError):
        keys.find("one")


def test_an_issuer_that_is_away(issuer: TestIssuer) -> None:
    clock = Clock()
    keys = IssuerKeys(entry(issuer), clock)
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(RequestError) as caught:
            keys.find("one")
        assert caught.value.status == 503
    issuer.status = 200
    clock.now += PAUSE
    assert keys.find("one")
    issuer.status = 500
    clock.now += KEPT + 1
    assert keys.find("one")  # the keys of before still count
    clock.now += STALE
    with pytest.raises(RequestError) as caught:
        keys.find("one")
    assert caught.value.status == 503


def test_a_token_without_a_key_id_needs_an_issuer_with_one_key(issuer: TestIssuer) -> None:
    with pytest.raises(RequestError):
        IssuerKeys(entry(issuer), Clock()).find(None)
    issuer.keys = issuer.keys[:1]
    assert IssuerKeys(entry(issuer), Clock()).find(None)


def test_the_address_of_the_keys_can_be_configured(issuer: TestIssuer) -> None:
    assert set(fetch_keys(entry(issuer, jwks=f"{issuer.url}/keys"))) == {"one", "two"}
    assert issuer.asked == ["/keys"]


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "k": "eHg", "kid": "x"}],
        [{"kty": "RSA", "kid": "x"}],
        [{"kty": "RSA", "n": "eA", "e": "!", "kid": "x"}],
        [{**jwk_of(OTHER_KEY, "x"), "use": "enc"}],
        [{**jwk_of(OTHER_KEY, "x"), "alg": "HS256"}],
        ["x", 1, None],
    ],
)
def test_keys_that_cannot_be_used(issuer: TestIssuer, keys: list[Any]) -> None:
    issuer.keys = keys
    with pytest.raises(TransientError, match="no key that tokens can be verified with"):
        fetch_keys(entry(issuer))


def test_a_document_of_another_issuer(issuer: TestIssuer) -> None:
    issuer.claimed = "https://evil.example.com"
    with pytest.raises(TransientError, match="speaks for another issuer"):
        fetch_keys(entry(issuer))
