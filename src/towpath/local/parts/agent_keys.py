"""Keys of the stack's agents, made at the first `up`: each private one is for its own agent.

And that of the owner of the example's policy, which no agent has.
"""

from towpath.adapters.evidence.key_changes import trust_key
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key, read_trusted_keys
from towpath.errors import UnknownNameError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_keys import POLICY, agent_signs
from towpath.local.common.stack import POOLS, Stack

OWNER = "owner"
"""Who signs what loosens the policy of the example."""


def ensure_keys(stack: Stack) -> None:
    """Make the keys that are missing, and trust each agent's for its own work. Again changes nothing."""
    trusted = KeyFolder(stack.layout.keys)
    for pool in POOLS:
        key, namespace = _key_of(stack, pool), agent_signs(None if pool == "build" else pool)
        if not _is_trusted(trusted, key):
            trust_key(trusted, pool, key, (namespace,))


def ensure_owner(stack: Stack) -> PrivateKey:
    """The key of the policy's owner, made when it is missing, and trusted as an owner's."""
    trusted, key = KeyFolder(stack.layout.keys), _private_key(stack, OWNER)
    if not _is_trusted(trusted, key.public):
        trust_key(trusted, OWNER, key.public, (POLICY,))
    return key


def _key_of(stack: Stack, pool: str) -> PublicKey:
    return _private_key(stack, pool).public


def _private_key(stack: Stack, name: str) -> PrivateKey:
    folder = KeyFolder(stack.layout.signing_key(name).parent)
    try:
        return read_private_key(folder.private_file(name))
    except UnknownNameError:
        key = PrivateKey.generate()
        with folder.locked():
            folder.write_key(name, key)
        return key


def _is_trusted(folder: KeyFolder, key: PublicKey) -> bool:
    try:
        return key in [entry.key for entry in read_trusted_keys(folder.trusted_file).entries]
    except UnknownNameError:
        return False
