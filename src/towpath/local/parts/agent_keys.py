"""Keys of the stack's agents, made at the first `up`: each private one is for its own agent."""

from towpath.adapters.evidence.key_changes import trust_key
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key, read_trusted_keys
from towpath.errors import UnknownNameError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_keys import COMMITS, EVIDENCE
from towpath.local.common.stack import POOLS, Stack


def ensure_keys(stack: Stack) -> None:
    """Make the keys that are missing, and trust each agent's for its own work. Again changes nothing."""
    trusted = KeyFolder(stack.layout.keys)
    for pool in POOLS:
        key, namespace = _key_of(stack, pool), EVIDENCE if pool == "build" else COMMITS
        if not _is_trusted(trusted, key):
            trust_key(trusted, pool, key, (namespace,))


def _key_of(stack: Stack, pool: str) -> PublicKey:
    folder = KeyFolder(stack.layout.signing_key(pool).parent)
    try:
        return read_private_key(folder.private_file(pool)).public
    except UnknownNameError:
        key = PrivateKey.generate()
        with folder.locked():
            folder.write_key(pool, key)
        return key.public


def _is_trusted(folder: KeyFolder, key: PublicKey) -> bool:
    try:
        return key in [entry.key for entry in read_trusted_keys(folder.trusted_file).entries]
    except UnknownNameError:
        return False
