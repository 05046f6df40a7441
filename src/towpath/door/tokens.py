"""OIDC tokens of CI systems: verified by the issuer's keys, then read for repository, ref and commit."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from towpath.door.door_file import ClaimNames, Issuer
from towpath.door.issuer_keys import ALGORITHMS, IssuerKeys
from towpath.door.rules import BRANCH, TAG, Rule, Rules, commit_id, forbidden, ref_name, unauthorized

REQUIRED = ("iss", "aud", "exp", "iat", "sub")
LONGEST = 16 * 1024
LONGEST_LIFE = 24 * 3600
"""Seconds: a token that lives longer is a password."""
CLAIMS: Mapping[str, ClaimNames] = {
    "github": ClaimNames(),
    "gitlab": ClaimNames(repository="project_path", ref="ref_path"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """What a valid token proves. `commit` is None where its issuer names none; `token` tells tokens apart."""

    issuer: str
    repository: str
    ref: str
    commit: str | None
    claims: Mapping[str, Any]
    token: str
    expires: float


class Tokens:
    """Verifies the tokens of the issuers that the door trusts. For several threads."""

    def __init__(self, rules: Rules, clock: Callable[[], float] = time.time) -> None:
        self._issuers = rules.issuers
        self._keys = {url: IssuerKeys(issuer) for url, (_, issuer) in rules.issuers.items()}
        self._clock = clock

    def verify(self, token: str) -> Caller:
        """Who sent the token. RequestError 401 when it proves nothing."""
        if len(token) > LONGEST:
            raise unauthorized("token", "the token is too long")
        url, header = self._unverified(token)
        name, issuer = self._issuers[url]
        claims = self._decode(token, header, issuer)
        self._check_times(claims, issuer)
        audience = claims["aud"]
        if audience not in (issuer.audience, [issuer.audience]):
            raise unauthorized("audience", "the token is for others, too")
        names = issuer.claims or CLAIMS[issuer.kind]
        repository = claims.get(names.repository)
        if not isinstance(repository, str) or not repository:
            raise unauthorized("claims", f"the token has no claim `{names.repository}`")
        return Caller(
            issuer=name,
            repository=repository,
            ref=ref_name(_ref(claims, names)),
            commit=commit_id(claims.get(names.commit)) if names.commit else None,
            claims=claims,
            token=hashlib.sha256(
                token.rpartition(".")[0].encode()
            ).hexdigest(),  # what is signed: one text only
            expires=float(claims["exp"]) + issuer.leeway.total_seconds(),
        )

    def _unverified(self, token: str) -> tuple[str, Mapping[str, Any]]:
        """Only to choose the keys: nothing else is believed before the signature holds."""
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise unauthorized("token", "the token cannot be read") from error
        url = claims.get("iss")
        if not isinstance(url, str) or url not in self._issuers:
            raise unauthorized("issuer", "the token is of an issuer that is not trusted here")
        if header.get("alg") not in ALGORITHMS:
            raise unauthorized("algorithm", "the token is not signed by a key pair")
        if header.get("crit") is not None:
            raise unauthorized("token", "the token has critical extensions that are not known here")
        return url, header

    def _decode(self, token: str, header: Mapping[str, Any], issuer: Issuer) -> dict[str, Any]:
        key_id = header.get("kid")
        if key_id is not None and not isinstance(key_id, str):
            raise unauthorized("token", "the token cannot be read")
        key = self._keys[issuer.url].find(key_id)
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],  # never what the token says
                issuer=issuer.url,
                audience=issuer.audience,
                leeway=issuer.leeway,
                # Times are compared here by one clock, which tests can set.
                options={
                    "require": list(REQUIRED),
                    "enforce_minimum_key_length": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidAudienceError as error:
            raise unauthorized("audience", "the token is for another audience") from error
        except jwt.MissingRequiredClaimError as error:
            raise unauthorized("claims", f"the token has no claim `{error.claim}`") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise unauthorized("signature", "the token's signature does not hold") from error

    def _check_times(self, claims: Mapping[str, Any], issuer: Issuer) -> None:
        now, leeway = self._clock(), issuer.leeway.total_seconds()
        times: dict[str, Any] = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
        for value in times.values():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
                raise unauthorized("claims", "the token's times cannot be read")
        if now > times["exp"] + leeway:
            raise unauthorized("expired", "the token has expired")
        if max(times["iat"], times.get("nbf", 0)) > now + leeway:
            raise unauthorized("not-yet", "the token is of the future: compare the clocks")
        if times["exp"] - times["iat"] > LONGEST_LIFE:
            raise unauthorized("lifetime", "the token lives longer than a day")


def permit(caller: Caller, rules: Rules) -> Rule:
    """The rule of the token's repository. RequestError 403 when its tokens may not ask for it."""
    rule = rules.by_name.get(caller.repository)
    accepted = [each for each in rule.repository.tokens if each.issuer == caller.issuer] if rule else []
    if rule is None or not accepted:
        raise forbidden("repository", "the token's repository may not ask for deliveries here")
    for each in accepted:
        if all(_shown(caller.claims.get(name)) == value for name, value in each.claims.items()):
            return rule
    raise forbidden("claims", "the token's claims are not those that its repository needs here")


def _ref(claims: Mapping[str, Any], names: ClaimNames) -> object:
    """The claim; GitLab before 16.2 has no `ref_path`, but what it is made of."""
    if names.ref in claims or names != CLAIMS["gitlab"]:
        return claims.get(names.ref)
    prefix = {"branch": BRANCH, "tag": TAG}.get(str(claims.get("ref_type")), "refs/")
    return f"{prefix}{claims.get('ref')}"


def _shown(value: object) -> str:
    """A claim as door.yaml writes it: `true`, `123`, a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
