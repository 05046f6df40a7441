"""Masks credentials in every log line, diff, artifact, event, report and exception.

`redact` masks text by shape (keys, tokens, URL credentials, Secret manifests) and by value: a credential that
a process was given is passed to `remember_secret` and then masked in plain, base64 and URL-quoted form.
`mask_secret` masks a Kubernetes Secret as an object, so that a diff still shows *that* a value changed.
"""

import base64
import binascii
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from towpath.objects import Manifest

MASK = "***"
_MIN_REMEMBERED = 6
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_remembered: dict[str, None] = {}

_KEY_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|secret[-_]?key|private[-_]?key|"
    r"credentials?|auth)"
)
# A value is masked up to its closing quote, or to white space where it has none.
_VALUE = r"""(?:\\?"(?P<dq>(?:[^"\\\n]|\\[^"])+)\\?"|'(?P<sq>[^'\n]+)'|(?P<bare>[^\s"',;&{}\[\]<>*\\]+))"""

_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\sA-Za-z0-9+/=\\:,.*]|-(?!----))*(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----)?"
)
_BASE64_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]*")  # base64 of "-----BEGIN"
_URL_CREDENTIALS = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)"
    r"(?P<user>[^\s/@:'\"<>]*)(?P<password>:[^\s/@'\"<>]*)?@"
)
_AUTHORIZATION = re.compile(
    r"(?P<head>\b(?:(?:proxy-)?authorization\W{1,4})?(?:bearer|basic|negotiate)\s+)(?P<value>[A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(
    rf"""(?P<key>{_KEY_NAME}\\?["']?[ \t]*(?:[:=]|:=|=>)[ \t]*){_VALUE}""", re.IGNORECASE
)
_OPTION = re.compile(rf"""(?P<key>(?<![\w-])--?[\w-]*{_KEY_NAME}[ ]+){_VALUE}""", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abeoprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|"
    r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]*|dckr_pat_[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}|"
    r"pypi-[A-Za-z0-9_-]{40,}|pnu_[A-Za-z0-9]{16,})"
)
_JSON_SECRET = re.compile(r'"kind\\{0,8}"\s*:\s*\\{0,8}"Secret\\{0,8}"')
_JSON_DATA = re.compile(r'(?P<head>"(?:data|stringData)\\{0,8}"\s*:\s*\{)(?P<body>[^{}]*)\}')
_JSON_PAIR = re.compile(
    r'(?P<head>(?<!\\)\\*+"[^"\\]*+\\*+"\s*+:\s*+)(?P<quote>\\*+")(?:[^"\\]|\\++[^"\\])*+\\*+"'
)
_YAML_DOCUMENT = re.compile(r"^[+\- ]?---[ \t]*$", re.MULTILINE)
_YAML_SECRET = re.compile(r"^[+\- ]?[ \t]*(?:- )?kind:[ \t]*[\"']?Secret[\"']?[ \t]*$", re.MULTILINE)
_YAML_DATA = re.compile(r"^(?P<indent>\s*)(?:data|stringData):\s*$")
_YAML_PAIR = re.compile(r"^(?P<head>\s*[^\s:#][^:]*:\s*)\S.*$")


def remember_secret(secret: str) -> None:
    """Mask this value from now on in all texts that this process redacts.

    Shorter than 6 characters: ignored.
    """
    if len(secret) >= _MIN_REMEMBERED:
        _remembered[secret] = None


def forget_secret(secret: str) -> None:
    """Mask this value no longer: it has been replaced long ago, and each costs time at every line."""
    _remembered.pop(secret, None)


def remember_environment_secrets(environ: Mapping[str, str]) -> None:
    """Remember the values of variables whose names end like those of credentials (`…_TOKEN`)."""
    credential_name = re.compile(rf"{_KEY_NAME}$", re.IGNORECASE)
    for name, value in environ.items():
        if credential_name.search(name):
            remember_secret(value)


def redact(text: str) -> str:
    """`text` with credentials replaced by `***`. It never raises, and redacting twice changes nothing."""
    for secret in sorted(_remembered, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, MASK)
    text = _PEM.sub(f"{MASK} private key {MASK}", text)
    text = _BASE64_PEM.sub(MASK, text)
    if "Secret" in text:
        text = _mask_json_secrets(text)
        text = _mask_yaml_secrets(text)
    text = _URL_CREDENTIALS.sub(_mask_url, text)
    text = _AUTHORIZATION.sub(lambda match: match["head"] + MASK, text)
    text = _TOKEN.sub(MASK, text)
    text = _ASSIGNMENT.sub(_mask_value, text)
    return _OPTION.sub(_mask_value, text)


def mask_secret(manifest: Manifest) -> Manifest:
    """The manifest itself, or a copy without values if it is a Secret (also inside a List).

    A value becomes `*** (sha256 abc123)`: equal values stay equal, in `data` and in `stringData` alike.
    """
    kind = manifest.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(manifest.get("items"), list):
        return {
            **manifest,
            "items": [mask_secret(i) if isinstance(i, dict) else i for i in manifest["items"]],
        }
    if kind != "Secret":
        return manifest
    masked = dict(manifest)
    masked |= {k: _mask_values(masked[k], _decoded) for k in ("data",) if masked.get(k) is not None}
    masked |= {k: _mask_values(masked[k], _encoded) for k in ("stringData",) if masked.get(k) is not None}
    metadata = masked.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        last = _mask_last_applied(annotations[_LAST_APPLIED])
        masked["metadata"] = {**metadata, "annotations": {**annotations, _LAST_APPLIED: last}}
    return masked


def _forms(secret: str) -> list[str]:
    """The forms in which a value occurs: plain, URL-quoted, and in base64 at each of its three alignments."""
    raw = secret.encode()
    forms = [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms.append(encode(raw).decode())
        for shift in range(3):
            # Only the characters that do not depend on the bytes before and after the value.
            encoded = encode(b"\0" * shift + raw).decode()
            start = -(-shift * 8 // 6)
            end = (shift + len(raw)) * 8 // 6
            if end - start >= _MIN_REMEMBERED:
                forms.append(encoded[start:end])
    return sorted(set(forms), key=len, reverse=True)


def _mask_url(match: re.Match[str]) -> str:
    # `ssh://git@host` names an account; everything else before the @ may be a token.
    if not match["password"] and match["scheme"].lower() in ("ssh://", "git+ssh://"):
        return match[0]
    return f"{match['scheme']}{MASK}@"


def _mask_value(match: re.Match[str]) -> str:
    value = match["dq"] or match["sq"] or match["bare"]
    if value.lower() in ("true", "false", "null", "none", "~", "|", ">", "|-", ">-") or MASK in value:
        return match[0]
    return match["key"] + match[0][len(match["key"]) :].replace(value, MASK)


def _mask_json_secrets(text: str) -> str:
    if not _JSON_SECRET.search(text):
        return text

    def mask_pairs(match: re.Match[str]) -> str:
        body = _JSON_PAIR.sub(
            lambda pair: f"{pair['head']}{pair['quote']}{MASK}{pair['quote']}", match["body"]
        )
        return f"{match['head']}{body}}}"

    return _JSON_DATA.sub(mask_pairs, text)


def _mask_yaml_secrets(text: str) -> str:
    if not _YAML_SECRET.search(text):
        return text
    cuts = [0, *(match.start() for match in _YAML_DOCUMENT.finditer(text)), len(text)]
    documents = [text[start:end] for start, end in itertools.pairwise(cuts)]
    return "".join(_mask_yaml_document(d) if _YAML_SECRET.search(d) else d for d in documents)


def _mask_yaml_document(document: str) -> str:
    lines = document.split("\n")
    is_diff = all(line[0] in "+- @" for line in lines if line)
    masked: list[str] = []
    data_indent: int | None = None  # indentation of the current `data:`
    for line in lines:
        sign, body = (line[:1], line[1:]) if is_diff else ("", line)
        indent = len(body) - len(body.lstrip())
        if _YAML_DATA.match(body):
            data_indent = indent
        elif data_indent is not None and body.strip() and indent <= data_indent:
            data_indent = None
        elif data_indent is not None and body.strip():
            pair = _YAML_PAIR.match(body)
            # A line that is no pair continues a block value.
            body = pair["head"] + MASK if pair else body[:indent] + MASK
        masked.append(sign + body)
    return "\n".join(masked)


def _mask_values(values: Any, to_bytes: Callable[[str], bytes]) -> Any:
    if not isinstance(values, dict):
        return MASK
    return {
        name: value if isinstance(value, str) and value.startswith(f"{MASK} (") else _digest(value, to_bytes)
        for name, value in values.items()
    }


def _digest(value: Any, to_bytes: Callable[[str], bytes]) -> str:
    raw = to_bytes(value) if isinstance(value, str) else json.dumps(value, sort_keys=True).encode()
    return f"{MASK} (sha256 {hashlib.sha256(raw).hexdigest()[:6]})"


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()


def _encoded(value: str) -> bytes:
    return value.encode()


def _mask_last_applied(annotation: Any) -> str:
    try:
        manifest = json.loads(annotation)
    except (TypeError, ValueError):
        return MASK
    return json.dumps(mask_secret(manifest), sort_keys=True) if isinstance(manifest, dict) else MASK
