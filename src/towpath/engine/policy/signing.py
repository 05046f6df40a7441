"""Signs the policy of a folder: two files for its owner to commit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.git import Checkout, work_tree_checkout
from towpath.config import Config, load_config
from towpath.config.protected import Policy
from towpath.engine.policy.protection import HOW, Protection, protect
from towpath.engine.policy.records import files_policy
from towpath.errors import MissingPartError, RefusedError
from towpath.evidence.owners import owners_of
from towpath.gates.policy_statement import (
    POLICY_FILE,
    SIGNATURE_FILE,
    PolicyStatement,
    encode_policy,
    verify_policy,
)

Sign = Callable[[bytes], str]
"""The signature of a text, by a person's key."""


@dataclass(frozen=True)
class FolderPolicy:
    """A folder's files, their history, and how they are protected."""

    checkout: Checkout
    config: Config
    protection: Protection


def folder_policy(folder: Path, trusted_keys: Path | None) -> FolderPolicy:
    """The policy of an uncommitted folder. RefusedError where it is not the top of a Git repository."""
    config = load_config(folder)
    checkout = work_tree_checkout(folder)
    if checkout is None:
        raise RefusedError(
            f"{folder} is not the top of a Git repository with a commit",
            remedy="A signed policy names the commit that it begins with: commit the files first.",
        )
    protection, _ = protect(checkout, config, trusted_keys)
    return FolderPolicy(checkout, config, protection)


def sign_policy(policy: Policy, base: str, trusted_keys: Path | None, sign: Sign) -> dict[str, str]:
    """Path -> text of the statement and its signature. EvidenceError when the key is no owner's.

    Without trusted keys on this machine nobody can tell whether the key is an owner's.
    """
    at = datetime.now(UTC)
    content = encode_policy(PolicyStatement(base, at.isoformat(timespec="milliseconds"), policy))
    signature = sign(content)
    if trusted_keys is not None and owners_of(trusted := read_trusted_keys(trusted_keys)):
        verify_policy(content, signature, trusted, at)
    return {POLICY_FILE: content.decode(), SIGNATURE_FILE: signature}


def signed_folder(folder: Path, trusted_keys: Path | None, sign: Sign) -> dict[str, str]:
    """The files to write into a folder, of its policy as it is now."""
    read = folder_policy(folder, trusted_keys)
    return sign_policy(files_policy(folder, read.config), read.checkout.branch, trusted_keys, sign)


def without_pause(protection: Protection, environment: str, app: str) -> Policy:
    """What owners have signed, with all that is in force of quarantines and pauses but this pause.

    Nothing else that the files say is signed with it. `app` is empty for the pause of the environment.
    """
    if protection.signed is None or protection.enforced is None:
        raise RefusedError("no owner has signed the policy yet", remedy=HOW)
    in_force, signed = protection.enforced.policy, protection.signed.statement.policy
    kept = tuple(each for each in in_force.pauses.get(environment, ()) if each.app != app)
    pauses = {name: each for name, each in {**in_force.pauses, environment: kept}.items() if each}
    return signed.model_copy(update={"quarantine": in_force.quarantine, "pauses": pauses})


def require_owners(protection: Protection) -> None:
    """MissingPartError where the machine trusts no owner's key."""
    if not protection.owners:
        raise MissingPartError(
            "no owner is trusted here, so the policy is not protected: its files are in force as they are",
            remedy="`towpath keys trust NAME FILE.pub --use policy` names an owner; agents get the same file"
            " of trusted keys by `keys.trusted`.",
        )
