"""The uid and the two digests of an inventory's object in 48 bytes; JSON of them does not shrink."""

from collections.abc import Iterator

SIZE = 48
_EMPTY = bytes(16)


def pack_digests(uid: str, fingerprint: str, applied_digest: str) -> bytes:
    """The three values, 16 bytes each; all zero when they do not fit: then they stay in the JSON."""
    values = (uid, fingerprint, applied_digest)
    try:
        packed = b"".join(bytes.fromhex(value or "0" * 32) for value in (uid.replace("-", ""), *values[1:]))
        if len(packed) == SIZE and next(unpack_digests(packed)) == values:
            return packed
    except ValueError:
        pass
    return bytes(SIZE)


def unpack_digests(packed: bytes) -> Iterator[tuple[str, str, str]]:
    """The values of each object in turn; a value that was not packed is empty."""
    for start in range(0, len(packed), SIZE):
        uid, fingerprint, applied = (packed[at : at + 16] for at in range(start, start + SIZE, 16))
        yield (
            _format_uuid(uid.hex()) if uid != _EMPTY else "",
            fingerprint.hex() if fingerprint != _EMPTY else "",
            applied.hex() if applied != _EMPTY else "",
        )


def _format_uuid(hexadecimal: str) -> str:
    # `uuid.UUID` takes longer than the rest of reading an inventory.
    parts = (hexadecimal[at:to] for at, to in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return "-".join(parts)
