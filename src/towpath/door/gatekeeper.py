"""Decides who asks, and for what: by a signature, a token, or a forge's webhook."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from towpath.door.door_file import ForgeName
from towpath.door.forges import FORGES, Headers, parse_object
from towpath.door.limits import UsedOnce
from towpath.door.rules import (
    RequestError,
    Rule,
    Rules,
    commit_id,
    forbidden,
    malformed,
    ref_name,
    unauthorized,
)
from towpath.door.signatures import WINDOW, is_fresh, signs_request
from towpath.door.tokens import Caller, Tokens, permit

FIELDS = ("repository", "ref", "commit", "app", "nonce")
"""What the body of `POST /deliver` may have. `nonce` makes two equal requests of one second differ."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A delivery that may be started. `by`: hmac, token or a forge's name; `repeat`: also one that failed."""

    rule: Rule
    by: str
    ref: str
    commit: str
    apps: tuple[str, ...]
    repeat: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    """A webhook that is genuine, and asks for nothing."""

    reason: str


class Gatekeeper:
    """Knows the rules, and what was used already. In one event loop, but for `verify`."""

    def __init__(self, rules: Rules, tokens: Tokens, clock: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._tokens = tokens
        self._clock = clock
        self._used = UsedOnce(clock)
        # What was used before the start is not known: a request that was signed then does not count.
        self._begun = clock()

    def verify(self, token: str) -> Caller:
        """Who sent a token. It may ask the issuer for its keys, so it belongs into a thread."""
        return self._tokens.verify(token)

    def by_token(self, caller: Caller, headers: Headers, body: bytes) -> Asked:
        """What the sender of a valid token asks for. The body counts for what no claim says."""
        content = _fields(headers, body) if body.strip() else {}
        rule = permit(caller, self._rules)
        for name, claimed in (
            ("repository", caller.repository),
            ("ref", caller.ref),
            ("commit", caller.commit),
        ):
            if claimed is not None and content.get(name, claimed) != claimed:
                raise forbidden("claims", f"the body names another {name} than the token")
        commit = caller.commit or commit_id(content.get("commit"))
        apps = rule.apps(caller.ref, content.get("app"))
        purpose = f"{rule.name}@{commit}:{','.join(apps)}"
        before = self._used.use(f"token:{caller.token}", caller.expires, purpose)
        if before not in (None, purpose):
            raise RequestError(409, "replay", "the token was used for another delivery")
        return Asked(rule, "token", caller.ref, commit, apps, repeat=before is None)

    def by_signature(self, headers: Headers, body: bytes) -> Asked:
        """What a request that is signed by HMAC asks for."""
        content = _fields(headers, body)
        rule = self._rules.by_name.get(str(content.get("repository")))
        timestamp, signature = headers.get("x-towpath-timestamp", ""), headers["x-towpath-signature"]
        if not signs_request(rule.secrets if rule else (), timestamp, body, signature) or rule is None:
            raise unauthorized("signature", "the signature does not hold for that repository")
        now = self._clock()
        if not is_fresh(timestamp, now, self._begun):
            raise unauthorized(
                "expired", f"the signed time is more than {WINDOW} s off, or before the door's start"
            )
        commit, ref = commit_id(content.get("commit")), ref_name(content.get("ref"))
        apps = rule.apps(ref, content.get("app"))
        until = int(timestamp) + WINDOW
        if self._used.use(f"hmac:{signature.removeprefix('sha256=')}", until, commit) is not None:
            raise RequestError(409, "replay", "this request was received before: sign a new one")
        return Asked(rule, "hmac", ref, commit, apps, repeat=True)

    def by_hook(self, forge: ForgeName, headers: Headers, body: bytes) -> Asked | Ignored:
        """What a forge's webhook asks for. It begins a delivery once, and repeats none that failed."""
        content = parse_object(body, content_type=headers.get("content-type", ""))
        name, kind = FORGES[forge].repository(content), FORGES[forge]
        rule = self._rules.by_name.get(name)
        if rule is not None and (rule.repository.hook is None or rule.repository.hook.forge != forge):
            rule = None
        secrets = rule.hook_secrets if rule else ()
        if not kind.is_signed(secrets, headers, body, self._clock()) or rule is None:
            raise unauthorized("signature", "the webhook's signature does not hold for that repository")
        push = kind.read(headers, content)
        if push is None:
            return Ignored("no push")
        if push.commit is None:
            return Ignored("deleted")
        try:
            apps = rule.apps(push.ref, None)
        except RequestError as error:
            return Ignored(error.message)
        return Asked(rule, forge, push.ref, push.commit, apps, repeat=False)


def _fields(headers: Headers, body: bytes) -> dict[str, Any]:
    content = parse_object(body, content_type=headers.get("content-type", ""))
    if unknown := sorted(set(content) - set(FIELDS)):
        raise malformed(f"unknown field `{unknown[0][:80]}`; known are {', '.join(FIELDS)}")
    for name in FIELDS:
        if name in content and not isinstance(content[name], str):
            raise malformed(f"`{name}` must be a text")
    return content
