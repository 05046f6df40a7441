"""Where programs take passwords on their command line, by the program's name: `mysql -pVALUE`.

The same option is a port or a folder elsewhere (`ssh -p 22`, `mkdir -p folder`): only the program tells.
Options with a credential's own name (`--password VALUE`) are in patterns.py, for all programs.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

LONGEST = 60
"""Words of a command that are looked at."""
MOST_NAMES = 8
"""Further programs named in one command that are looked at: what they are given is read anew for each."""


class Word(NamedTuple):
    """A word of a command without quotes around it, and where in the text it is."""

    text: str
    start: int

    def part(self, at: int) -> tuple[int, int]:
        """Where the rest of the word is, from its character `at`, without a quote that opens there."""
        if opened := _QUOTE.match(self.text, at):
            at = opened.end()
        return self.start + at, self.start + len(self.text)


Spans = Iterator[tuple[int, int]]
Rule = Callable[[Sequence[Word]], Spans]
"""Where the secrets are, of the words after the program's name."""


@dataclass(frozen=True, slots=True)
class Option:
    """The value of an option: the next word, or the rest of its own (`-pVALUE`, `--pass=VALUE`, `/p:VALUE`).

    `glued`: only the rest of its own word, as the next one is something else. `after`: only behind one of
    these words. `before`: of the value, only what follows the first one of these characters is secret.
    """

    names: tuple[str, ...]
    glued: bool = False
    after: tuple[str, ...] = ()
    before: str = ""

    def __call__(self, words: Sequence[Word]) -> Spans:
        is_on = not self.after
        for word, following in zip_longest(words, words[1:]):
            is_on = is_on or word.text in self.after
            for name in self.names if is_on else ():
                if word.text == name and following and not self.glued:
                    yield from secret_part(following, 0, self.before)
                elif (at := self._value_at(word.text, name)) is not None:
                    yield from secret_part(word, at, self.before)

    def _value_at(self, text: str, name: str) -> int | None:
        size = len(name)
        if not text.startswith(name) or len(text) == size:
            return None
        if text[size] in "=:":
            return size + 1
        return size if self.glued or (size == 2 and name[0] == "-") else None


def secret_part(word: Word, at: int, before: str) -> Spans:
    """What is secret of a word from its character `at`: all, or what follows the first one of `before`."""
    if before:
        at = next((i + 1 for i in range(at, len(word.text)) if word.text[i] in before), len(word.text))
    if at < len(word.text):
        yield word.part(at)


def option(*names: str, glued: bool = False, after: str = "", before: str = "") -> Option:
    return Option(names, glued, tuple(after.split()), before)


def batch(letter: str, place: int, without: str = "") -> Rule:
    """The bare word at `place`, if an option has this letter; one earlier if one has the letter `without`."""

    def rule(words: Sequence[Word]) -> Spans:
        flags = "".join(word.text for word in words if word.text.startswith("-"))
        bare = [word for word in words if not word.text.startswith("-")]
        at = place - (bool(without) and without in flags)
        if letter in flags and at < len(bare):
            yield bare[at].part(0)

    return rule


def after(command: str, place: int = 0, *, is_token: bool = False) -> Rule:
    """The bare word at `place` behind these words; a token has a digit or a capital, `failed` has none."""

    def rule(words: Sequence[Word]) -> Spans:
        for word in _behind(command, words)[place : place + 1]:
            if not is_token or _TOKEN.search(word.text):
                yield word.part(0)

    return rule


def pairs(command: str) -> Rule:
    """The value of each `name=value` behind these words."""

    def rule(words: Sequence[Word]) -> Spans:
        for word in _behind(command, words):
            yield from secret_part(word, 0, "=")

    return rule


def _behind(command: str, words: Sequence[Word]) -> Sequence[Word]:
    bare = [word for word in words if not word.text.startswith("-")]
    names = command.split()
    for index in range(len(bare) - len(names) + 1):
        if [word.text for word in bare[index : index + len(names)]] == names:
            return bare[index + len(names) :]
    return ()


def logon(words: Sequence[Word]) -> Spans:
    """`user/VALUE@host` of Oracle's tools."""
    for word in words:
        if found := _LOGON.match(word.text):
            yield word.start + found.start(1), word.start + found.end(1)


def grouped(letters: str, before: str) -> Rule:
    """The value of a short option behind others in one word: `curl -sSu user:VALUE`."""
    group = re.compile(rf"-[A-Za-z#0]+[{letters}]")

    def rule(words: Sequence[Word]) -> Spans:
        for word, following in pairwise(words):
            if group.fullmatch(word.text):
                yield from secret_part(following, 0, before)

    return rule


_TOKEN = re.compile(r"[0-9A-Z]")
_LOGON = re.compile(r"""[\w$#.]+/(?!/)([^\s@/][^\s@]*)(?:@.*)?$""")
_LOGIN = option("-p", after="login")
_MYSQL, _PLAIN, _LDAP = option("-p", glued=True), option("-p"), option("-w")
_KEYS = option("-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-srckeypass", "-destkeypass")


def _each(names: str, *rules: Rule) -> dict[str, tuple[Rule, ...]]:
    return dict.fromkeys(names.split(), rules)


PROGRAMS: dict[str, tuple[Rule, ...]] = {
    **_each(
        "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlsh mysqlbinlog mysqlslap", _MYSQL
    ),
    **_each(
        "mysqlpump mydumper myloader mariadb mariadb-dump mariadb-admin mariadb-import xtrabackup", _MYSQL
    ),
    **_each("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop cqlsh", _PLAIN),
    **_each("sshpass rabbitmqadmin twine", _PLAIN),
    **_each("redis-cli redis-benchmark valkey-cli keydb-cli", option("-a")),
    **_each("docker podman nerdctl buildah skopeo crane helm oras regctl regsync cosign notation", _LOGIN),
    **_each("oc cf ibmcloud", _LOGIN),
    **_each("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop", _LDAP),
    **_each("sqlcmd bcp osql mosquitto_pub mosquitto_sub ipmitool zip unzip p4", option("-P")),
    **_each("keytool jarsigner", _KEYS),
    **_each("snmpget snmpwalk snmpbulkwalk snmpset snmptrap", option("-c", "-A", "-X")),
    **_each("smbclient rpcclient smbget smbcacls winexe", option("-U", "--user", before="%")),
    **_each("sqlplus sqlldr expdp impdp rman sqlcl", logon),
    **_each("plink pscp psftp", option("-pw")),
    **_each("7z 7za 7zz rar unrar", option("-p", "-hp", glued=True)),
    **_each("http https xh", option("-a", before=":")),
    "htpasswd": (batch("b", 2, without="n"),),
    "mosquitto_passwd": (batch("b", 2),),
    "ldappasswd": (_LDAP, option("-s", "-a")),
    "rabbitmqctl": (after("add_user", 1), after("change_password", 1), after("authenticate_user", 1)),
    "openssl": (
        option("-passin", "-passout", "-pass", "-password", before=":"),
        option("-k", "-K", after="enc"),
        option("-hmac"),
    ),
    "az": (_LOGIN, option("--value", after="secret")),
    "curl": (
        option("-u", "-U", "-E", "--cert", "--proxy-cert", before=":"),
        option("-b", "--cookie", before="="),
        option("--oauth2-bearer"),
        grouped("uUE", ":"),
    ),
    "vault": (after("login", is_token=True), after("operator unseal", is_token=True), pairs("kv put")),
    "kubectl": (option("--from-literal", after="secret", before="="),),
    "aws": (
        option("--secret-string"),
        after("configure set aws_secret_access_key"),
        after("configure set aws_session_token"),
    ),
    "gh": (option("-b", "--body", after="secret"),),
    "lftp": (option("-u", before=","),),
    "doctl": (option("-t"),),
    "ngrok": (after("authtoken", is_token=True), after("config add-authtoken")),
    "cargo": (after("login", is_token=True),),
    "dotnet": (option("-k", after="push"), after("user-secrets set", 1)),
    "xfreerdp": (option("/p"),),
    "swaks": (option("-ap"),),
}
"""The programs, each with where its secrets are."""

_NAMES = sorted(PROGRAMS)
_SUFFIXES = (" ", "\t", "\n", ",", '"', "'", "\\", ".exe ")
_FINDER = AhoCorasick(
    [f"{name}{suffix}" for name in _NAMES for suffix in _SUFFIXES],
    implementation=Implementation.DFA,
    store_patterns=False,
)
_PART_OF_WORD = re.compile(r"[\w.$@%-]")
_QUOTE = re.compile(r"""\\*+["']""")
_QUOTED = (
    r"""(?P<quote>\\*+")(?P<double>(?:(?!(?P=quote))(?:\\[^\n]|[^\n\\]))*+)(?P=quote)"""
    r"""|\\*+'(?P<single>[^'\n]*+)'"""
)
_WORD = re.compile(
    r"""(?:[ \t,]|\\+\r?\n|\n[ \t+-]*-[ \t]+)*+"""  # a list in YAML goes over several lines
    rf"""(?P<option>(?:--?[\w-]+=?)?+)"""
    rf"""(?:{_QUOTED}|(?P<bare>(?:[^\s"'|;&()<>`\\,]|,(?!\s)|\\(?!\\*["'\s]))++))?"""
)


def secrets_of_commands(text: str) -> list[tuple[int, int]]:
    """Where in a text the secrets are that programs take on their command line; sorted."""
    found: set[tuple[int, int]] = set()
    until = names = 0
    for pattern, start, end in _names_in(text):
        names = names + 1 if start < until else 0
        if names > MOST_NAMES or (start and _PART_OF_WORD.match(text, start - 1)):
            continue
        words = _words(text, end - 1)
        if not names:
            until = words[-1].part(0)[1] if words else 0
        for rule in PROGRAMS[_NAMES[pattern // len(_SUFFIXES)]]:
            found.update(rule(words))
    return sorted(found)


def _names_in(text: str) -> list[tuple[int, int, int]]:
    try:
        return _FINDER.find_matches_as_indexes(text)
    except UnicodeEncodeError:
        return _FINDER.find_matches_as_indexes(re.sub(r"[\ud800-\udfff]", "?", text))


def _words(text: str, at: int) -> list[Word]:
    """The words behind a program's name, up to the end of its command."""
    words: list[Word] = []
    if tail := _QUOTE.match(text, at):
        at = tail.end()
    while len(words) < LONGEST and (match := _WORD.match(text, at)):
        at, group = match.end(), match.lastgroup or "option"
        group = "double" if group == "quote" else group
        start = match.start("option") if match["option"] else match.start(group)
        end = match.end(group)
        if start == at:
            break
        words.append(Word(text[start:end], start))
    return words
