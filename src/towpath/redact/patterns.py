"""What credentials look like in texts: keys and their values, tokens, URLs, options, Secret manifests."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

from towpath.redact.blocks import block_lines, mask_blocks
from towpath.redact.known_values import MASK
from towpath.redact.programs import secrets_of_commands

# TOWPATH_SIGNING_KEY and Git's user.signingKey name a file, which errors must be able to tell.
_KEY_NAME = (
    r"(?:password|passwd|passphrase|passcode|pwd|secret|token|credentials?|auth|dsn|connection[-_]?string|"
    r"(?:api|auth|access|account|secret|private|(?<!towpath_)(?<!user\.)signing|encryption|shared|master)[-_]?key|"
    r"licen[cs]e[-_]?key|secret[-_]?key[-_]?base|require[-_]?pass|master[-_]?auth|"
    r"[-_]pass|(?-i:[a-z]Pass)|\bpass(?==)|(?<=[\"'])pass(?=\\?[\"'])|(?m:^)[ \t]{0,100}(?-i:pass)(?=:)|"
    r"(?:db|sql|root|user|admin|smtp|ldap|ftp|redis)pass|[-_]pw|\bpw(?==)|(?-i:_PAT|_PIN)|_salt|"
    r"(?<=[?&])(?:sig|x-(?:amz|goog)-signature)(?==))"
)
_NAME_HINTS = (
    "pass",
    "pwd",
    "_pw",
    "-pw",
    "pw=",
    "_pin",
    "_salt",
    "_pat",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "dsn",
    "connection",
    "sig=",
    "signature=",
)
"""Each credential's name has one of these words."""
_CREDENTIAL_NAME = re.compile(rf"(?:{_KEY_NAME}|^pass)$", re.IGNORECASE)
# A value is masked up to its closing quote, or to white space where it has none.
_VALUE = r"""(?:\\?"(?P<dq>(?:[^"\\\n]|\\[^"])+)\\?"|'(?P<sq>[^'\n]+)'|(?P<bare>[^\s"',;&{}\[\]<>*\\]+))"""

_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\sA-Za-z0-9+/=\\:,.*]|-(?!----))*(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----)?"
)
_BASE64_BEGIN = "LS0tLS1CRUdJTi"  # of "-----BEGIN"
_BASE64_PEM = re.compile(rf"{_BASE64_BEGIN}[A-Za-z0-9+/=_-]*")
_URL_CREDENTIALS = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)"
    r"(?P<user>[^\s/@:'\"<>]*)(?P<password>:(?:[^\s/@'\"<>]|@(?=[^\s/@'\"<>]*@))*+)?@"
)
_JDBC = re.compile(r"(?P<head>\bjdbc:oracle:\w+:[^\s/@:'\"]+/)(?P<value>[^\s@'\"]+)(?=@)")
_AUTHORIZATION = re.compile(
    r"(?P<head>\b(?:(?:proxy-)?authorization\W{1,4})?(?:bearer|basic|negotiate)\s+)(?P<value>[A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"""(?P<head>\b(?:authorization\\?["']?\s*[:=]\s*\\?["']?(?:"""
    r"""(?:bearer|basic|token|api-?key|ntlm|splunk|geniekey)[ ]+|"""
    r"""(?=(?:eyJ[\w.-]{16,}|(?=[\w+/=-]*[0-9])[\w+/=-]{16,})(?:["'\\,}]|[ \t]*(?:[\r\n]|$))))|"""  # no kind
    r"""cookie\\?["']?\s*[:=]\s*\\?["']?(?=[^\s=;:]+=)))(?P<value>[^\s"'\\;]+(?:;[ ]*[^\s"'\\;]+)*+)""",
    re.IGNORECASE,
)
_PIPED = re.compile(
    r"""(?P<head>\b(?:echo|printf)[ ]+(?:-\w+[ ]+|["']?%s(?:\\+n)?["']?[ ]+)*)"""
    r"""(?P<value>"[^"\n]+"|'[^'\n]+'|[^\s"'|]+)(?=\s*\|[^|\n]*?"""
    r"""(?:--password-stdin|\bchpasswd|\bpasswd[ ]+--stdin|\bsudo[ ]+-S|\bkinit|--with-token))"""
)
_ASSIGNMENT = re.compile(
    rf"""(?P<key>{_KEY_NAME}\\?["']?[ \t]*(?::=|=>|[:=])[ \t]*){_VALUE}""", re.IGNORECASE
)
_BLOCK = re.compile(
    rf"""{_KEY_NAME}["']?[ \t]*:[ \t]*[|>][-+0-9]{{0,2}}[ \t]*\r?$""", re.IGNORECASE | re.MULTILINE
)
_HARMLESS_KEYS = (
    "PUBLIC|PUBLISHABLE|PRIMARY|FOREIGN|UNIQUE|PARTITION|SHARD|SORT|RANGE|GROUP|ROUTING|CACHE|IDEMPOTENCY|"
    "LOOKUP|OBJECT|INDEX|HOST|TOWPATH_SIGNING"
)
"""Of a database, a queue or a store, or a file."""
_VARIABLE = re.compile(
    rf"""(?P<key>(?<![A-Za-z0-9_])(?!(?:[A-Z0-9]{{1,40}}_){{0,9}}(?:{_HARMLESS_KEYS})_KEY)"""
    rf"""(?:[A-Z0-9]{{1,40}}_){{1,10}}KEY\\?["']?(?:=|[ \t]*:[ \t]*(?=[^\s\d]{{0,100}}\d)))"""
    rf"""(?=\\?["']?[^\s"'./~$\\][^\s"']{{5}}){_VALUE}"""
)
"""A variable called `…_KEY`, whose value is no path: after a colon, where words may follow, with a digit."""
_ELEMENT = re.compile(
    rf"(?P<head><[\w.:-]{{0,100}}{_KEY_NAME}>)(?P<value>[^<>\s][^<>\n]*+)(?=</)", re.IGNORECASE
)
_NAMED = re.compile(
    rf"""(?P<key>\b(?:name|key)\\?["']?[ \t]*[:=][ \t]*\\?["']?[\w.-]{{0,100}}{_KEY_NAME}\\?["']?,?"""
    rf"""(?:[ \t]*\n[ \t+-]*|[ \t]*)\\?["']?value\\?["']?[ \t]*[:=][ \t]*){_VALUE}""",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"""(?P<head>\b(?:identified[ ]+(?:with[ ]+\w+[ ]+)?by|password)[ ]+)(?P<value>'(?:[^'\n]|'')+')""",
    re.IGNORECASE,
)
_NETRC = re.compile(r"(?P<head>\b(?:machine[ ]+\S+|default)\s+login\s+\S+\s+password\s+)(?P<value>\S+)")
_DIRECTIVE = re.compile(
    r"(?P<head>(?m:^)[ \t]*(?:requirepass|masterauth)[ \t]+)(?P<value>\S+)", re.IGNORECASE
)
_OPTION = re.compile(rf"""(?P<key>(?<![\w-])--?[\w-]*{_KEY_NAME}[ ]+){_VALUE}""", re.IGNORECASE)
_USER = re.compile(
    r"""(?P<head>(?<![\w-])(?:-u|--(?:proxy-)?user|--(?:src-|dest-)?creds)[ =]+["']?[^\s:"'=]+:)"""
    r"""(?P<value>[^\s"']+)"""
)
_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abeoprs]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|"
    r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]*|dckr_pat_[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}|"
    r"pypi-[A-Za-z0-9_-]{40,}|pnu_[A-Za-z0-9]{16,}|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{16,}|"
    r"hf_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|"
    r"do[opr]_v1_[a-f0-9]{64}|ya29\.[A-Za-z0-9_-]{20,}|hv[sbr]\.[A-Za-z0-9_-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{50,})"
    r"|(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"  # of a Telegram bot, in its URLs behind `bot`
)
_HOOK = re.compile(
    r"(?P<head>\bhttps://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|"
    r"[a-z0-9-]+\.webhook\.office\.com/webhookb2/|"
    r"(?:[a-z]+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/))(?P<value>[A-Za-z0-9_/@-]{20,})"
)
_JSON_SECRET = re.compile(r'"kind\\{0,8}"\s*:\s*\\{0,8}"Secret\\{0,8}"')
_JSON_DATA = re.compile(r'(?P<head>"(?:data|stringData)\\{0,8}"\s*:\s*\{)(?P<body>[^{}]*)\}')
_JSON_PAIR = re.compile(
    r'(?P<head>(?<!\\)\\*+"[^"\\]*+\\*+"\s*+:\s*+)(?P<quote>\\*+")(?:[^"\\]|\\++[^"\\])*+\\*+"'
)
_JSON_WRITTEN = re.compile(r'(?P<head>"stringData\\{0,8}"\s*:\s*\{)(?P<body>[^{}]*)\}')
_YAML_WRITTEN = re.compile(r"""(?:^|[\s{,+-])'?stringData'?:[ \t]*(?:[{#\n]|$)""")
_YAML_DOCUMENT = re.compile(r"^[+\- ]?---[ \t]*$", re.MULTILINE)
_YAML_SECRET = re.compile(r"""(?:^|[\s{,+-])["']?kind["']?:\s*["']?Secret(?:List)?["']?[ \t]*(?:[,}#\n]|$)""")
_YAML_DATA = re.compile(r"""^\s*(?:- )?["']?(?:data|stringData)["']?:\s*(?:#.*)?$""")
_YAML_FLOW = re.compile(
    r"""(?P<head>(?<!["\w])'?(?:data|stringData)'?:\s*\{)"""
    r"""(?P<body>(?:[^{}"']|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')+)(?P<tail>\}?)"""
)
_YAML_PAIR = re.compile(r"^(?P<head>\s*[^\s:#][^:]*:\s*)\S.*$")


def mask_patterns(text: str) -> str:
    """`text` with what looks like a credential replaced by `***`."""
    folded = text.casefold()
    for hints, mask in _MASKS:
        # Most texts have none: looking for a word is many times faster than for a pattern.
        if not hints or any(hint in folded for hint in hints):
            text = mask(text)
    return text


def named_values(text: str) -> Iterator[str]:
    """The values in a text that have the name of a credential, or the place of one in a URL or an option."""
    for start, end in secrets_of_commands(text):
        yield text[start:end]
    folded = text.casefold()
    if any(hint in folded for hint in _NAME_HINTS):
        for pattern in (_ASSIGNMENT, _OPTION):
            for match in pattern.finditer(text):
                yield match["dq"] or match["sq"] or match["bare"]
        # Of more lines than one, each may be a common one.
        yield from (text[slice(*spans[0])].strip() for spans in block_lines(text, _BLOCK) if len(spans) == 1)
    for match in _URL_CREDENTIALS.finditer(text) if "://" in text else ():
        yield (match["password"] or "")[1:]
    for pattern, hints in _HEADS.items():
        for match in pattern.finditer(text) if any(hint in folded for hint in hints) else ():
            yield match["value"].strip("\"'")


@lru_cache(maxsize=8192)
def is_credential_name(name: str) -> bool:
    """Whether a variable or key is named as credentials are (`DB_PASS`, `apiToken`)."""
    return _CREDENTIAL_NAME.search(name) is not None


def _mask_commands(text: str) -> str:
    pieces, done = [], 0
    for start, end in secrets_of_commands(text):
        if end > done and MASK not in text[start:end]:
            pieces += [text[done:start], MASK]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


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
    if (
        value.lower() in ("true", "false", "null", "none", "~", "|", ">", "|-", ">-", "|+", ">+")
        or MASK in value
    ):
        return match[0]
    return match["key"] + match[0][len(match["key"]) :].replace(value, MASK)


def _mask_head(match: re.Match[str]) -> str:
    return match["head"] + MASK


def _mask_secrets(text: str) -> str:
    return _mask_yaml_secrets(_mask_json_secrets(text))


def _mask_json_secrets(text: str) -> str:
    where = _JSON_DATA if _JSON_SECRET.search(text) else _JSON_WRITTEN

    def mask_pairs(match: re.Match[str]) -> str:
        body = _JSON_PAIR.sub(
            lambda pair: f"{pair['head']}{pair['quote']}{MASK}{pair['quote']}", match["body"]
        )
        return f"{match['head']}{body}}}"

    return where.sub(mask_pairs, text)


def values_of_yaml_secrets(text: str) -> Iterator[str]:
    """The values of Secrets that are written in a YAML text, as they are written there."""
    found: list[str] = []
    _mask_yaml_secrets(text, found)
    for body in found:
        yield body.strip().strip("\"'")
        for pair in re.split(r"[,\n]", body):
            yield pair.partition(":")[2].strip().strip("\"'")


def _is_yaml_secret(text: str) -> bool:
    # Only Secrets have `stringData`: a fragment with it needs no kind.
    return bool(_YAML_SECRET.search(text) or _YAML_WRITTEN.search(text))


def _mask_yaml_secrets(text: str, found: list[str] | None = None) -> str:
    """Masked, with what was masked put into `found`."""
    if not _is_yaml_secret(text):
        return text
    found = [] if found is None else found
    cuts = [0, *(match.start() for match in _YAML_DOCUMENT.finditer(text)), len(text)]
    documents = [text[start:end] for start, end in itertools.pairwise(cuts)]
    return "".join(_mask_yaml_document(d, found) if _is_yaml_secret(d) else d for d in documents)


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


_HEADS = {
    _AUTHORIZATION: ("bearer", "basic", "negotiate"),
    _HEADER: ("authorization", "cookie"),
    _JDBC: ("jdbc:",),
    _PIPED: ("echo", "printf"),
    _USER: ("-u", "creds"),  # `--proxy-user` has the first, too
    _HOOK: ("hooks.slack.com", "discord", "webhook.office.com"),
    _ELEMENT: ("</",),
    _STATEMENT: ("identified", "password"),
    _NETRC: ("login",),
    _DIRECTIVE: ("requirepass", "masterauth"),
}
"""What comes before a value (`head`), with words of which every match has one."""
_MASKS: tuple[tuple[Sequence[str], Callable[[str], str]], ...] = (
    (("-----begin",), partial(_PEM.sub, f"{MASK} private key {MASK}")),
    ((_BASE64_BEGIN.casefold(),), partial(_BASE64_PEM.sub, MASK)),
    ((), _mask_commands),
    (("secret", "stringdata"), _mask_secrets),
    (("://",), partial(_URL_CREDENTIALS.sub, _mask_url)),
    *((hints, partial(pattern.sub, _mask_head)) for pattern, hints in _HEADS.items() if pattern != _USER),
    ((), partial(_TOKEN.sub, MASK)),
    (_NAME_HINTS, partial(mask_blocks, header=_BLOCK)),
    (("value",), partial(_NAMED.sub, _mask_value)),
    (_NAME_HINTS, partial(_ASSIGNMENT.sub, _mask_value)),
    (("_key",), partial(_VARIABLE.sub, _mask_value)),
    (_NAME_HINTS, partial(_OPTION.sub, _mask_value)),
    (_HEADS[_USER], partial(_USER.sub, _mask_user)),
)
"""In this order, each with words of which every text has one that it masks; none: it looks itself."""
