"""Masks lines that come one by one, also where a secret goes over several: private keys, Secrets."""

import re

from towpath.redact import redact
from towpath.redact.known_values import MASK

KEY_LINES = 200
"""Lines after the first one of a private key that are masked where its end does not come."""
SECRET_LINES = 1000
"""As well, of the data of a Secret: it ends by its indentation."""
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
_FIELD = re.compile(
    r"""^(?P<before>|.*?[\s{,-])["']?(?P<name>kind|apiVersion)["']?:\s*["']?(?P<value>[\w./-]+)["']?[\s,]*$"""
)
_DATA = re.compile(r"""^(?P<before>\s*(?:- )?)["']?(?P<name>data|stringData)["']?:\s*(?P<rest>\S.*)?$""")
_PAIR = re.compile(r"""^\s*(?:"[^"]+"|'[^']+'|[^\s:#"'][^:]*):(?=\s|$)""")
_EMPTY = ("{}", "{},", "null", "null,")


class LineRedactor:
    """Masks the lines of one log, each as `redact` does, and by what came before it."""

    def __init__(self) -> None:
        self._key_left = 0
        self._secret_at: int | None = None  # the indentation of what says that a Secret may be written here
        self._data_at: int | None = None  # the indentation of its `data:`
        self._pairs_at: int | None = None  # that of the names below
        self._data_left = 0

    def redact(self, line: str) -> str:
        """The next line, masked."""
        in_key, masked = self._is_in_key(line), self._mask_data(line)
        return MASK if in_key else redact(line if masked is None else masked)

    def _is_in_key(self, line: str) -> bool:
        begins = list(_KEY_BEGIN.finditer(line))
        inside = self._key_left > 0
        if begins:
            self._key_left = 0 if _KEY_END.search(line, begins[-1].end()) else KEY_LINES
            return inside
        self._key_left = 0 if _KEY_END.search(line) else max(0, self._key_left - 1)
        return inside

    def _mask_data(self, line: str) -> str | None:
        """The line without its value where it is one of a Secret's data; None where it is not."""
        if not line.strip():
            return None
        indent = len(line) - len(line.lstrip())
        if self._data_at is not None:
            self._data_left -= 1
            if indent > self._data_at and self._data_left >= 0:
                return self._without_value(line, indent)
            self._data_at = None
        if line.startswith("---") and not line.strip("- \t"):
            self._secret_at = None
        elif field := _FIELD.match(line):
            self._note(field)
        elif data := _DATA.match(line):
            return self._begin(data)
        return None

    def _note(self, field: re.Match[str]) -> None:
        # Of a log's own words before the first line of a manifest nothing follows about indentation.
        at = 0 if field["before"].strip(" -") else len(field["before"])
        # kubectl writes `apiVersion`, `data` and only then `kind`: with the first, a Secret may follow.
        said = (field["name"], field["value"])
        if said in (("kind", "Secret"), ("kind", "SecretList"), ("apiVersion", "v1")):
            if self._secret_at is None or at <= self._secret_at:
                self._secret_at = at
        elif field["value"] != "List" and self._secret_at is not None and at <= self._secret_at:
            self._secret_at = None

    def _begin(self, data: re.Match[str]) -> str | None:
        if self._secret_at is None and data["name"] == "data":
            return None
        rest = data["rest"] or ""
        if rest.strip() in _EMPTY:
            return None
        if rest and rest != "{" and not rest.startswith("#"):
            return f"{data[0][: data.start('rest')]}{MASK}"
        self._data_at, self._pairs_at, self._data_left = len(data["before"]), None, SECRET_LINES
        return None

    def _without_value(self, line: str, indent: int) -> str:
        if self._pairs_at is None:
            self._pairs_at = indent
        pair = _PAIR.match(line) if indent == self._pairs_at else None  # deeper: a value of several lines
        return f"{pair[0]} {MASK}" if pair else f"{line[:indent]}{MASK}"
