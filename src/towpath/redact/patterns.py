"""What credentials look like in texts: keys and their values, tokens, URLs, options, Secret manifests."""

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache

from towpath.redact.known_values import MASK

# TOWPATH_SIGNING_KEY and Git's user.signingKey name a file, which errors must be able to tell.
_KEY_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|credentials?|auth|dsn|connection[-_]?string|"
    r"(?:api|access|account|secret|private|(?<!towpath_)(?<!user\.)signing|encryption|shared|master)[-_]?key|"
    r"[-_]pass|(?-i:[a-z]Pass)|\bpass(?==)|"
    r"(?<=[?&])(?:sig|x-(?:amz|goog)-signature)(?==))"
)
_HINTS = (
    *("pass", "pwd", "secret", "token", "key", "cred", "auth", "dsn", "connection"),
    *("sig=", "signature=", "://", "-u", "bearer", "basic", "negotiate"),
)
"""Words of which every match of the patterns in `named_values` has one (`--user` has `-u`)."""
_CREDENTIAL_NAME = re.compile(rf"(?:{_KEY_NAME}|^pass)$", re.IGNORECASE)
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
_USER = re.compile(
    r"""(?P<head>(?<![\w-])(?:-u|--(?:proxy-)?user)[ =]+["']?[^\s:"'=]+:)(?P<value>[^\s"']+)"""
)
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
_YAML_SECRET = re.compile(r"""(?:^|[\s{,+-])["']?kind["']?:\s*["']?Secret(?:List)?["']?[ \t]*(?:[,}#\n]|$)""")
_YAML_DATA = re.compile(r"""^\s*(?:- )?["']?(?:data|stringData)["']?:\s*(?:#.*)?$""")
_YAML_FLOW = re.compile(
    r"""(?P<head>(?<!["\w])'?(?:data|stringData)'?:\s*\{)"""
    r"""(?P<body>(?:[^{}"']|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')*)(?P<tail>\}?)"""
)
_YAML_PAIR = re.compile(r"^(?P<head>\s*[^\s:#][^:]*:\s*)\S.*$")


def mask_patterns(text: str) -> str:
    """`text` with what looks like a credential replaced by `***`."""
    text = _PEM.sub(f"{MASK} private key {MASK}", text)
    text = _BASE64_PEM.sub(MASK, text)
    if "Secret" in text:
        text = _mask_json_secrets(text)
        text = _mask_yaml_secrets(text)
    text = _URL_CREDENTIALS.sub(_mask_url, text)
    text = _AUTHORIZATION.sub(lambda match: match["head"] + MASK, text)
    text = _TOKEN.sub(MASK, text)
    text = _ASSIGNMENT.sub(_mask_value, text)
    text = _OPTION.sub(_mask_value, text)
    return _USER.sub(_mask_user, text)


def named_values(text: str) -> Iterator[str]:
    """The values in a text that have the name of a credential, or the place of one in a URL or an option."""
    folded = text.lower()
    if not any(hint in folded for hint in _HINTS):
        return  # most texts: looking for a word is many times faster than for a pattern
    for pattern in (_ASSIGNMENT, _OPTION):
        for match in pattern.finditer(text):
            yield match["dq"] or match["sq"] or match["bare"]
    for match in _URL_CREDENTIALS.finditer(text):
        yield (match["password"] or "")[1:]
    for match in (*_USER.finditer(text), *_AUTHORIZATION.finditer(text)):
        yield match["value"]


@lru_cache(maxsize=8192)
def is_credential_name(name: str) -> bool:
    """Whether a variable or key is named as credentials are (`DB_PASS`, `apiToken`)."""
    return _CREDENTIAL_NAME.search(name) is not None


def _mask_url(match: re.Match[str]) -> str:
    # `ssh://git@host` names an account; everything else before the @ may be a token.
    if not match["password"] and match["scheme"].lower() in ("ssh://", "git+ssh://"):
        return match[0]
    return f"{match['scheme']}{MASK}@"


def _mask_user(match: re.Match[str]) -> str:
    # `docker run -u 1000:1000` names a user and a group.
    return match[0] if match["value"].isdigit() and len(match["value"]) < 6 else match["head"] + MASK


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


def values_of_yaml_secrets(text: str) -> Iterator[str]:
    """The values of Secrets that are written in a YAML text, as they are written there."""
    found: list[str] = []
    _mask_yaml_secrets(text, found)
    for body in found:
        yield body.strip().strip("\"'")
        for pair in re.split(r"[,\n]", body):
            yield pair.partition(":")[2].strip().strip("\"'")


def _mask_yaml_secrets(text: str, found: list[str] | None = None) -> str:
    """Masked, with what was masked put into `found`."""
    if not _YAML_SECRET.search(text):
        return text
    found = [] if found is None else found
    cuts = [0, *(match.start() for match in _YAML_DOCUMENT.finditer(text)), len(text)]
    documents = [text[start:end] for start, end in itertools.pairwise(cuts)]
    return "".join(_mask_yaml_document(d, found) if _YAML_SECRET.search(d) else d for d in documents)


def _mask_yaml_document(document: str, found: list[str]) -> str:
    found += (flow["body"] for flow in _YAML_FLOW.finditer(document))
    document = _YAML_FLOW.sub(lambda flow: f"{flow['head']}{MASK}{flow['tail']}", document)
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
            found.append(body[len(pair["head"]) :] if pair else body)
            # A line that is no pair continues a block value.
            body = pair["head"] + MASK if pair else body[:indent] + MASK
        masked.append(sign + body)
    return "\n".join(masked)
