"""The keys of this agent: its own, with which it signs, and the public ones that it trusts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from towpath.adapters.evidence.key_files import read_private_key, read_trusted_keys
from towpath.errors import MissingPartError
from towpath.evidence.trusted_keys import COMMITS, EVIDENCE, TrustedKeys
from towpath.settings import TRUSTED_KEYS, Settings

if TYPE_CHECKING:
    from towpath.evidence.private_key import PrivateKey

BUILDER = "build"
"""Whose keys sign release evidence: the agent that builds. An environment's agent signs by its name."""


def load_trusted_keys(path: Path | None) -> TrustedKeys:
    """The trusted keys in the file that is configured; MissingPartError when none is, or it has no key."""
    if path is None:
        raise MissingPartError(
            "no trusted keys are configured, so nothing can be proven",
            remedy="`towpath keys make` and `towpath keys trust` write the file `allowed_signers`; name it by"
            f" `keys.trusted` in agent.yaml, or by {TRUSTED_KEYS}.",
        )
    trusted = read_trusted_keys(path)
    if not trusted.entries:
        raise MissingPartError(
            f"{path} trusts no key, so nothing can be proven",
            remedy="`towpath keys make build` makes the key that signs release evidence, and trusts it.",
        )
    return trusted


def load_signing_key(settings: Settings) -> "PrivateKey":
    """This agent's private key; MissingPartError when none is configured, or others may read it."""
    return read_private_key(settings.signing_key_file())


def trusted_summary(settings: Settings) -> str:
    """What the trusted keys are, for people. MissingPartError when there are none, or none that builds."""
    trusted = load_trusted_keys(settings.trusted_keys)
    names = sorted({name for entry in trusted.entries for name in entry.principals})
    if not any(BUILDER in entry.principals and entry.may_sign(EVIDENCE) for entry in trusted.entries):
        raise MissingPartError(
            f"{settings.trusted_keys} trusts no key of {BUILDER!r} to sign evidence, so no release is proven",
            remedy=f"`towpath keys trust {BUILDER} FILE.pub --use evidence` adds the build agent's.",
        )
    return f"{len(trusted.entries)} of {', '.join(names)}"


def signing_summary(settings: Settings, name: str) -> str:
    """What the signing key of the agent `name` is. MissingPartError when it may not sign as that agent."""
    key = load_signing_key(settings)
    namespace = EVIDENCE if name == BUILDER else COMMITS
    trusted = load_trusted_keys(settings.trusted_keys)
    trusted.principal(key.public, namespace, (name,), datetime.now(UTC))
    return f"{key.public.fingerprint} of {name}"
