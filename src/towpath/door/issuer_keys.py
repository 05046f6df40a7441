"""The public keys of an OIDC issuer: fetched when needed, kept for a while, never fetched in a hurry."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt

from towpath.adapters.http import HttpClient, HttpError, read_body
from towpath.door.door_file import Issuer
from towpath.door.rules import RequestError
from towpath.errors import TransientError

KEPT = 600.0
"""Seconds after which the keys are fetched anew."""
STALE = 3600.0
"""Seconds for which they still count when the issuer does not answer."""
PAUSE = 10.0
"""Least seconds between two requests to an issuer, whatever tokens name as their key."""
LARGEST = 256 * 1024
MOST_KEYS = 50
TIMEOUT = (3.0, 5.0)
DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a public key. `none` and the symmetric ones are never among them."""
ASYMMETRIC = ("RSA", "EC", "OKP")
"""Kinds of keys. A symmetric one would make whoever verifies able to sign."""


class IssuerKeys:
    """Keys of one issuer by their id. For several threads."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._asked = float("-inf")

    def find(self, key_id: str | None) -> jwt.PyJWK:
        """The key of that id; the only one where none is named. RequestError when there is none."""
        with self._lock:
            now = self._clock()
            known = self._pick(key_id)
            wanted = known is None or now - self._fetched > KEPT
            if wanted and now - self._asked >= PAUSE:
                self._asked = now
                try:
                    self._keys, self._fetched = fetch_keys(self._issuer), now
                except TransientError as error:
                    if known is None or now - self._fetched > STALE:
                        raise RequestError(503, "issuer", error.message, retry_after=PAUSE) from error
            elif now - self._fetched > STALE:
                raise RequestError(503, "issuer", "the issuer did not answer", retry_after=PAUSE)
            found = self._pick(key_id)
        if found is None:
            raise RequestError(401, "key", "the token names no key of its issuer")
        return found

    def _pick(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)


def fetch_keys(issuer: Issuer) -> dict[str, jwt.PyJWK]:
    """The keys that the issuer signs with. TransientError when it does not answer as an issuer does."""
    url = issuer.jwks or _discover(issuer)
    keys = _fetch(url).get("keys")
    if not isinstance(keys, list):
        raise TransientError(f"{url} has no `keys`")
    found: dict[str, jwt.PyJWK] = {}
    for number, key in enumerate(keys[:MOST_KEYS]):
        if not isinstance(key, dict) or key.get("kty") not in ASYMMETRIC or key.get("use", "sig") != "sig":
            continue
        try:
            made = jwt.PyJWK.from_dict(key)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue  # of a kind that is not known: tokens by it are refused
        if made.algorithm_name not in ALGORITHMS:
            continue
        found.setdefault(str(key.get("kid", f"#{number}")), made)
    if not found:
        raise TransientError(f"{url} has no key that tokens can be verified with")
    return found


def _discover(issuer: Issuer) -> str:
    url = issuer.url.rstrip("/") + DISCOVERY
    document = _fetch(url)
    if document.get("issuer") != issuer.url:
        raise TransientError(f"{url} speaks for another issuer than {issuer.url}")
    found = document.get("jwks_uri")
    if not isinstance(found, str) or not _same_protection(found, issuer.url):
        raise TransientError(f"{url} names no address of keys (`jwks_uri`) that can be used")
    return found


def _same_protection(url: str, issuer: str) -> bool:
    """https; plain http only where the issuer itself was configured so, which is loopback."""
    return url.startswith("https://") or (
        issuer.startswith("http://") and url.startswith("/".join(issuer.split("/")[:3]) + "/")
    )


def _fetch(url: str) -> dict[str, Any]:
    client = HttpClient()
    try:
        answer = client.send("GET", url, headers={"Accept": "application/json"}, timeout=TIMEOUT)
        body = read_body(answer, LARGEST)
        content = json.loads(body) if answer.status == 200 and body is not None else None
    except (HttpError, ValueError, RecursionError) as error:
        raise TransientError(f"{url} did not answer as an issuer does: {error}") from error
    finally:
        client.close()
    if not isinstance(content, dict):
        raise TransientError(f"{url} answered {answer.status}, and no JSON object of a usual size")
    return content
