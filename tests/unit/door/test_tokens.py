"""OIDC tokens of a real issuer on this machine: what is believed, and what is not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.unit.door.issuer import AUDIENCE, COMMIT, EC_KEY, KEY, OTHER_KEY, TestIssuer, issuing, jwk_of
from towpath.door.door_file import DoorFile
from towpath.door.rules import RequestError, Rules
from towpath.door.tokens import Caller, Tokens, permit

AHEAD = 3 * 3600
"""Seconds: far enough for a run of the tests that takes long between their collection and this one."""
NOW = time.time()
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def rules_of(url: str, wanted: dict[str, str] | None = None, **issuer: Any) -> Rules:
    """`wanted` are the claims that acme/shop needs; `issuer` changes the entry of the issuer."""
    content = {
        "apiVersion": "towpath.dev/v1",
        "issuers": {"ci": {"url": url, "audience": AUDIENCE, "kind": "github", **issuer}},
        "repositories": [
            {"name": "acme/shop", "apps": ["shop"], "tokens": [{"issuer": "ci", "claims": wanted or {}}]}
        ],
    }
    return Rules.of(DoorFile.model_validate_json(json.dumps(content), by_alias=True))


def verify(issuer: TestIssuer, token: str, **options: Any) -> Caller:
    return Tokens(rules_of(issuer.url, **options)).verify(token)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def with_header(issuer: TestIssuer, header: dict[str, Any], secret: bytes | None = None) -> str:
    """A token with any header; signed as HS256 by `secret`, or not at all."""
    content = f"{part(header)}.{part(issuer.claims())}"
    made = hmac.digest(secret, content.encode(), hashlib.sha256) if secret is not None else b""
    return f"{content}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def test_a_good_token_says_who_where_and_what(issuer: TestIssuer) -> None:
    caller = verify(issuer, issuer.token())
    assert (caller.issuer, caller.repository, caller.ref, caller.commit) == (
        "ci", "acme/shop", "refs/heads/main", COMMIT,
    )  # fmt: skip
    assert verify(issuer, issuer.token(key=EC_KEY, key_id="two", algorithm="ES256")).repository == "acme/shop"
    assert verify(issuer, issuer.token(aud=[AUDIENCE])).repository == "acme/shop"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "https://other.example.com"}, "audience"),
        ({"aud": [AUDIENCE, "https://other.example.com"]}, "audience"),
        ({"aud": [AUDIENCE, AUDIENCE]}, "audience"),
        ({"aud": []}, "claims"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"aud": None}, "claims"),
        ({"iss": "https://other.example.com"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": NOW - 3600, "iat": NOW - 4000}, "expired"),
        ({"exp": None}, "claims"),
        ({"iat": None}, "claims"),
        ({"sub": None}, "claims"),
        ({"iat": NOW + AHEAD, "exp": NOW + AHEAD + 90}, "not-yet"),
        ({"nbf": NOW + AHEAD}, "not-yet"),
        ({"exp": NOW + 90_000}, "lifetime"),
        ({"exp": 1e300}, "claims"),
        ({"exp": True}, "claims"),
        ({"repository": None}, "claims"),
        ({"repository": ["acme/shop"]}, "claims"),
        ({"ref": None}, "malformed"),
        ({"ref": 1}, "malformed"),
        ({"sha": "main"}, "malformed"),
        ({"sha": None}, "malformed"),
    ],
)
def test_claims_that_prove_nothing(issuer: TestIssuer, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        verify(issuer, issuer.token(**changed))
    assert caught.value.reason == reason, caught.value


def test_clocks_may_be_a_little_off(issuer: TestIssuer) -> None:
    assert verify(issuer, issuer.token(exp=int(time.time()) - 10, iat=NOW - 300))
    assert verify(issuer, issuer.token(iat=int(time.time()) + 20, nbf=int(time.time()) + 20))
    with pytest.raises(RequestError, match="compare the clocks"):
        verify(issuer, issuer.token(iat=int(time.time()) + 20), leeway="10s")
    assert verify(issuer, issuer.token(iat=int(time.time()) + 200), leeway="5m")


def test_a_key_that_is_not_the_issuers(issuer: TestIssuer) -> None:
    for key_id in ("one", None, "three", ""):
        with pytest.raises(RequestError) as caught:
            verify(issuer, issuer.token(key=OTHER_KEY, key_id=key_id))
        assert (caught.value.status, caught.value.reason in ("signature", "key")) == (401, True)
    with pytest.raises(RequestError, match="signature"):  # the other key's id
        verify(issuer, issuer.token(key=EC_KEY, key_id="one", algorithm="ES256"))
    with pytest.raises(RequestError, match="signature"):  # the key is for RS256 only
        verify(issuer, issuer.token(algorithm="PS256"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 1, ["RS256"], {"RS256": 1}])
def test_a_token_that_is_not_signed(issuer: TestIssuer, algorithm: Any) -> None:
    for secret in (None, b""):
        with pytest.raises(RequestError) as caught:
            verify(issuer, with_header(issuer, {"alg": algorithm, "kid": "one"}, secret))
        assert (caught.value.status, caught.value.reason in ("algorithm", "token")) == (401, True)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "RS256", "hs256"])
def test_the_public_key_is_no_shared_secret(issuer: TestIssuer, algorithm: str) -> None:
    for secret in (PEM, PEM.strip(), json.dumps(issuer.keys[0]).encode(), b"one"):
        with pytest.raises(RequestError) as caught:
            verify(issuer, with_header(issuer, {"alg": algorithm, "kid": "one"}, secret))
        assert caught.value.reason in ("algorithm", "signature")


def test_a_symmetric_key_of_the_issuer_is_not_used() -> None:
    shared = {
        "kty": "oct",
        "kid": "shared",
        "k": base64.urlsafe_b64encode(b"x" * 32).decode(),
        "alg": "HS256",
    }
    with issuing() as issuer:
        issuer.keys.append(shared)
        with pytest.raises(RequestError) as caught:
            verify(issuer, with_header(issuer, {"alg": "HS256", "kid": "shared"}, b"x" * 32))
    assert caught.value.reason == "algorithm"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "kid": 1},
        {"alg": "RS256", "kid": ["one"]},
        {"alg": "RS256", "kid": "one", "crit": ["exp"]},
        {"alg": "RS256", "kid": "one", "crit": ["b64"], "b64": False},
        {"alg": "RS256", "kid": "../../etc/passwd"},
        {"alg": "RS256", "jku": "https://evil.example.com/keys", "kid": "evil"},
        {"alg": "RS256", "jwk": jwk_of(OTHER_KEY, "own")},
    ],
)
def test_headers_lead_to_no_other_key(issuer: TestIssuer, header: dict[str, Any]) -> None:
    token = jwt.encode(issuer.claims(), OTHER_KEY, "RS256", {"kid": "x"})
    content = f"{part(header)}.{token.split('.')[1]}"
    signed = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(content.encode(), OTHER_KEY)
    with pytest.raises(RequestError) as caught:
        verify(issuer, f"{content}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}")
    assert caught.value.status == 401


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "....", "é.é.é", "e30.e30.", "W10.W10.W10"]
)
def test_texts_that_are_no_tokens(issuer: TestIssuer, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        verify(issuer, text)
    assert caught.value.status == 401


def test_a_changed_claim_breaks_the_signature(issuer: TestIssuer) -> None:
    head, _, signature = issuer.token().split(".")
    with pytest.raises(RequestError, match="signature does not hold"):
        verify(issuer, f"{head}.{part(issuer.claims(repository='acme/other'))}.{signature}")


def test_a_repository_that_may_not_ask(issuer: TestIssuer) -> None:
    for other in ("acme/other", "ACME/shop", "acme/shop/", "evil/acme/shop"):
        with pytest.raises(RequestError) as caught:
            permit(verify(issuer, issuer.token(repository=other)), rules_of(issuer.url))
        assert (caught.value.status, caught.value.reason) == (403, "repository")


@pytest.mark.parametrize(
    ("wanted", "claims", "accepted"),
    [
        ({"repository_id": "4711"}, {}, True),
        ({"repository_id": "4711"}, {"repository_id": "4711"}, True),
        ({"repository_id": "4711"}, {"repository_id": 4712}, False),
        ({"environment": "build"}, {"environment": "build"}, True),
        ({"environment": "build"}, {}, False),
        ({"ref_protected": "true"}, {"ref_protected": "true"}, True),
        ({"ref_protected": "true"}, {"ref_protected": True}, True),
        ({"ref_protected": "true"}, {"ref_protected": "false"}, False),
        ({"event_name": "push"}, {"event_name": ["push"]}, False),
    ],
)
def test_further_claims(
    issuer: TestIssuer, wanted: dict[str, str], claims: dict[str, Any], accepted: bool
) -> None:
    rules = rules_of(issuer.url, wanted)
    caller = Tokens(rules).verify(issuer.token(**claims))
    if accepted:
        assert permit(caller, rules).name == "acme/shop"
    else:
        with pytest.raises(RequestError) as caught:
            permit(caller, rules)
        assert caught.value.reason == "claims"


@pytest.mark.parametrize(
    ("claims", "ref"),
    [
        ({"ref_path": "refs/heads/main", "ref": "main", "ref_type": "branch"}, "refs/heads/main"),
        ({"ref_path": "refs/merge-requests/3/head", "ref": "main"}, "refs/merge-requests/3/head"),
        ({"ref": "main", "ref_type": "branch"}, "refs/heads/main"),
        ({"ref": "v1", "ref_type": "tag"}, "refs/tags/v1"),
        ({"ref": "main", "ref_type": "merge_request"}, "refs/main"),
        ({"ref": "main", "ref_type": None}, "refs/main"),
    ],
)
def test_gitlab_s_names_of_claims(issuer: TestIssuer, claims: dict[str, Any], ref: str) -> None:
    token = issuer.token(repository=None, project_path="acme/web/site", **claims)
    caller = verify(issuer, token, kind="gitlab")
    assert (caller.repository, caller.ref, caller.commit) == ("acme/web/site", ref, COMMIT)


def test_another_issuer_names_its_claims(issuer: TestIssuer) -> None:
    names = {"repository": "job", "ref": "branch", "commit": None}
    token = issuer.token(job="acme/shop", branch="refs/heads/main", sha=None, ref=None, repository=None)
    caller = verify(issuer, token, kind="other", claims=names)
    assert (caller.repository, caller.ref, caller.commit) == ("acme/shop", "refs/heads/main", None)
