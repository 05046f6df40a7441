"""Fields of a kubeconfig by their types: as in Go, null is the empty value, and nothing is converted."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any


class KubeconfigError(Exception):
    """A kubeconfig, or a context of it, cannot be used. The message holds no value that may be secret."""


class Fields:
    """One mapping. `where` says in errors which one it is."""

    def __init__(self, content: Any, where: str) -> None:
        self.where = where
        if content is not None and not isinstance(content, dict):
            raise KubeconfigError(f"{where}: must be a mapping")
        self._content: dict[str, Any] = content or {}

    def text(self, key: str) -> str:
        """The text, or an empty one."""
        return self._text(self._content.get(key), key)

    def flag(self, key: str) -> bool:
        """Whether it is true."""
        value = self._content.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return bool(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return self._texts(self._content.get(key), key)

    def lists_by_name(self, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """A mapping of lists of texts."""
        inner = self.inside(key)._content
        return tuple((name, self._texts(values, f"{key}.{name}")) for name, values in inner.items())

    def base64(self, key: str) -> bytes:
        """The bytes that a text encodes. Line breaks within are allowed, as in Go."""
        text = self.text(key).replace("\r", "").replace("\n", "")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise self._wrong(key, "base64") from None

    def inside(self, key: str) -> "Fields":
        """The mapping at `key`, empty where there is none."""
        return Fields(self._content.get(key), f"{self.where} {key}")

    def optional(self, key: str) -> "Fields | None":
        """The mapping at `key`, or None where there is none."""
        return None if self._content.get(key) is None else self.inside(key)

    def entries(self, key: str) -> Iterator["Fields"]:
        """The mappings of a list."""
        for index, item in enumerate(self._list(self._content.get(key), key)):
            yield Fields(item, f"{self.where}: {key}[{index}]")

    def raw(self, key: str) -> Any:
        """Whatever stands there."""
        return self._content.get(key)

    def _list(self, value: Any, key: str) -> list[Any]:
        if value is not None and not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value or []

    def _texts(self, value: Any, key: str) -> tuple[str, ...]:
        return tuple(self._text(item, key) for item in self._list(value, key))

    def _text(self, value: Any, key: str) -> str:
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "text")
        return value or ""

    def _wrong(self, key: str, wanted: str) -> KubeconfigError:
        return KubeconfigError(f"{self.where}: `{key}` must be {wanted}")
