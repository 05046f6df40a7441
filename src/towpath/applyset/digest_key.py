"""The key of stored digests over secret values: an HMAC says as much to Towpath, and nothing to who lacks it.

It is in a Secret of the environment's namespace, which Towpath makes at the first sync that needs it. Every
agent and every person who may read the Secrets computes the same digests; whoever reads an inventory, a plan,
a Job or a flow run, but no Secrets, can try no values. If it is lost, the next sync makes another one, and
applies the Secrets once more.
"""

import base64
import binascii
import hmac
import secrets

from towpath.objects import Manifest, ObjectRef

KEY_NAME = "towpath-digest-key"
KEY_LABEL = "towpath.dev/digest-key"
_ENTRY = "key"
_BYTES = 32


def key_ref(namespace: str) -> ObjectRef:
    """The Secret with the namespace's key."""
    return ObjectRef("", "Secret", namespace, KEY_NAME)


def new_key_secret(namespace: str) -> Manifest:
    """A Secret with a new random key. Without the label of an ApplySet: it is no app's."""
    key = base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    metadata = {"name": KEY_NAME, "namespace": namespace, "labels": {KEY_LABEL: "true"}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "immutable": True,
        "data": {_ENTRY: key},
    }


def key_of(secret: Manifest | None) -> bytes | None:
    """The key in its Secret; None when there is none, or not all of it."""
    data = (secret or {}).get("data") or {}
    try:
        key = base64.b64decode(data.get(_ENTRY, ""), validate=True)
    except (TypeError, ValueError, binascii.Error):
        return None
    return key if len(key) == _BYTES else None


def sealed(key: bytes, digest: str) -> str:
    """The HMAC of a digest, as many hex digits long."""
    return hmac.digest(key, digest.encode(), "sha256").hex()[: len(digest)]
