"""Signatures by a secret that both sides know. Every comparison takes the same time. Pure."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable

WINDOW = 300
"""Seconds that the time of a signed request may be off."""
_NOBODY = (b"\x00" * 32,)
"""Compared where there is no secret, so that an unknown repository takes as long as a known one."""


def signs_request(secrets: Iterable[bytes], timestamp: str, body: bytes, signature: str) -> bool:
    """Whether `sha256=HEX` is the HMAC of `TIMESTAMP.BODY` by one of the secrets."""
    return _is_hex(secrets, timestamp.encode() + b"." + body, signature.removeprefix("sha256="))


def signs_github(secrets: Iterable[bytes], body: bytes, signature: str) -> bool:
    """`X-Hub-Signature-256: sha256=HEX` over the body."""
    return signature.startswith("sha256=") and _is_hex(secrets, body, signature.removeprefix("sha256="))


def signs_gitea(secrets: Iterable[bytes], body: bytes, signature: str) -> bool:
    """`X-Gitea-Signature: HEX` over the body."""
    return _is_hex(secrets, body, signature)


def signs_gitlab(secrets: Iterable[bytes], identity: str, timestamp: str, body: bytes, header: str) -> bool:
    """`webhook-signature: v1,BASE64 …` over `ID.TIMESTAMP.BODY`, by the Standard Webhooks specification."""
    content = f"{identity}.{timestamp}.".encode() + body
    given = [part.removeprefix("v1,") for part in header.split() if part.startswith("v1,")][:5]
    valid = False
    for secret in list(secrets) or _NOBODY:
        made = base64.b64encode(hmac.digest(_standard_key(secret), content, hashlib.sha256))
        for each in given:
            valid |= hmac.compare_digest(made, each.encode())
    return valid


def is_token(secrets: Iterable[bytes], token: str) -> bool:
    """Whether a header is one of the secrets themselves, as GitLab's `X-Gitlab-Token`."""
    valid = False
    for secret in list(secrets) or _NOBODY:
        valid |= hmac.compare_digest(secret, token.encode("utf-8", "surrogateescape"))
    return valid


def is_fresh(timestamp: str, now: float, begun: float = 0.0) -> bool:
    """Whether a Unix time lies in the window around now, and not before `begun`."""
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        return False
    return abs(now - int(timestamp)) <= WINDOW and int(timestamp) >= int(begun)


def _is_hex(secrets: Iterable[bytes], content: bytes, signature: str) -> bool:
    valid = False
    for secret in list(secrets) or _NOBODY:
        made = hmac.new(secret, content, hashlib.sha256).hexdigest()
        valid |= hmac.compare_digest(made.encode(), signature.encode("utf-8", "surrogateescape"))
    return valid


def _standard_key(secret: bytes) -> bytes:
    """`whsec_BASE64` is written for the bytes that it encodes."""
    if not secret.startswith(b"whsec_"):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        return secret
