"""The binary encoding of SSH (RFC 4251): lengths and bytes, read within their bounds."""

from towpath.evidence.json_text import malformed


class WireReader:
    """Reads values one after the other; `what` names the whole in the error when it is cut off."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if self._at + count > len(self._data):
            raise malformed(self._what, "is cut off")
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def uint32(self) -> int:
        """The next number."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """The next string: its length, then its bytes."""
        return self.take(self.uint32())

    def text(self) -> str:
        """The next string, which must be printable ASCII."""
        value = self.string()
        if not all(32 <= byte < 127 for byte in value):
            raise malformed(self._what, "has a name that is not ASCII")
        return value.decode("ascii")

    def mpint(self) -> int:
        """The next number of any length; a negative one is refused."""
        value = self.string()
        if value[:1] >= b"\x80":
            raise malformed(self._what, "has a negative number")
        return int.from_bytes(value)

    def end(self) -> None:
        """Refuse what follows the last value."""
        if self._at != len(self._data):
            raise malformed(self._what, "has more after its end")


def wire_string(value: bytes) -> bytes:
    """A string as SSH writes it."""
    return len(value).to_bytes(4) + value
