"""The forms in which a secret value occurs in texts, and the values inside a value.

A value is looked for as it is, in base64 (any alignment, wrapped or not), URL-quoted, and as JSON, YAML, HTML
and Python write it. A value of several lines, a JSON document, a URL with a password and a connection string
hold values of their own, which programs print without the rest.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 6
"""Characters of the shortest value that is looked for by value: shorter ones occur in any text."""
LONG = 32 * 1024
"""Characters of a value that is looked for by its pieces: all forms of a megabyte would take a gigabyte."""
_WRAPPED = 76
_DEEPEST = 4
_USER_INFO = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://(?P<user>[^\s/@:]*)(?::(?P<password>[^\s/@]*))?@")
_SETTING = re.compile(
    r"(?:^|[;&?\s])[\w .-]*(?:pass|pwd|secret|token|key|auth|credential|signature|sig)[\w.-]*"
    r"\s*[=:]\s*(?P<value>[^;&\s]+)",
    re.IGNORECASE,
)
_LINE = re.compile(r"^\s*[\w.-]+\s*[=:]\s*(?P<value>\S.*)$")
_BRACKETS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def values_in(value: str, depth: int = 0) -> Iterator[str]:
    """The value and the values inside it, each of SHORTEST characters and more."""
    stripped = value.strip()
    if len(stripped) < SHORTEST or depth > _DEEPEST:
        return
    yield stripped
    for part in _parts(stripped):
        yield from values_in(part, depth + 1)


def _parts(value: str) -> Iterator[str]:
    lines = value.splitlines()
    if len(lines) > 1:
        for line in lines:
            # What frames a key (`-----BEGIN …`) is no secret, and the same in each.
            if not line.strip().startswith("-----"):
                yield line
                if setting := _LINE.match(line):
                    yield setting["value"].strip("\"'")
    if value[0] in "{[":
        yield from _leaves(value)
    for url in _USER_INFO.finditer(value):
        for part in (url["password"] or "", "" if url["password"] else url["user"]):
            yield part
            yield unquote(part)
    if len(lines) == 1:
        for setting in _SETTING.finditer(value):
            yield setting["value"].strip("\"'")
    if decoded := _decoded(value):
        yield decoded
        yield decoded.partition(":")[2]


def _leaves(text: str) -> Iterator[str]:
    try:
        rest: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while rest:
        each = rest.pop()
        if isinstance(each, dict):
            rest += each.values()
        elif isinstance(each, list):
            rest += each
        elif isinstance(each, str):
            yield each


def _decoded(value: str) -> str:
    """What a value in base64 says, if that is printable text (`auth` of a registry's login)."""
    if len(value) < 8 or len(value) % 4:
        return ""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else ""


def forms_of_long(value: str) -> set[str]:
    """The pieces by which a value of more than LONG characters is looked for.

    Its lines and what it holds as settings or JSON, plain and as JSON writes them; and its base64, from its
    beginning, whole or wrapped as `base64` does.
    """
    stripped = value.strip()
    pieces: set[str] = set()
    for line in stripped.splitlines():
        if not line.strip().startswith("-----"):
            pieces.add(line.strip())
            if setting := _LINE.match(line):
                pieces.add(setting["value"].strip("\"' "))
    if stripped[:1] in ("{", "["):
        pieces.update(each.strip() for each in _leaves(stripped))
    pieces |= {json.dumps(each)[1:-1] for each in pieces}
    whole = base64.b64encode(value.encode(errors="surrogatepass")).decode()
    pieces.update(whole[at : at + _WRAPPED] for at in range(0, len(whole), _WRAPPED))
    return {piece for piece in pieces if len(piece) >= SHORTEST}


def forms_of(value: str) -> set[str]:
    """Every text that stands for the value; each of SHORTEST characters and more."""
    escaped = json.dumps(value)[1:-1]
    unicode = json.dumps(value, ensure_ascii=False)[1:-1]
    forms = {value, escaped, unicode, repr(value)[1:-1], value.replace("'", "''")}
    forms |= {json.dumps(form)[1:-1] for form in (escaped, unicode)}
    forms |= {form.translate(_BRACKETS) for form in (value, escaped, unicode)}
    forms |= {json.dumps(form.translate(_BRACKETS))[1:-1] for form in (escaped, unicode)}
    page = html.escape(value)
    forms |= {
        page,
        html.escape(value, quote=False),
        page.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    }
    raw = value.encode(errors="surrogatepass")
    for quoted in (quote(raw, safe=""), quote(raw, safe="/"), quote_plus(raw)):
        forms |= {quoted, re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)}
    forms |= set(_base64_forms(raw))
    return {form for form in forms if len(form) >= SHORTEST}


def _base64_forms(raw: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield quote(whole, safe="")
        for width in (64, 76):
            if len(whole) > width:
                yield from (whole[at : at + width] for at in range(0, len(whole), width))
        for shift in range(3):
            # Only the characters that do not depend on the bytes before and after the value.
            encoded = encode(b"\0" * shift + raw).decode()
            start = -(-shift * 8 // 6)
            end = (shift + len(raw)) * 8 // 6
            if end - start >= SHORTEST:
                yield encoded[start:end]
                yield quote(encoded[start:end], safe="")
