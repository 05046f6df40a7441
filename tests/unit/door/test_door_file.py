"""door.yaml: strict, with line and key of what is wrong; no secret has a default."""

import json
from pathlib import Path

import pytest

from tests.unit.door.opened import HEAD, door_text
from towpath.config.machine_file import machine_file_schema, parse_machine_file
from towpath.door.door_file import DOOR_FILE, DoorFile
from towpath.door.rules import Rules
from towpath.errors import ConfigError, MissingPartError
from towpath.redact import redact

ONE = "repositories: [{name: a/b, apps: [a], secrets: [{variable: DOOR_SECRET}]}]\n"
ISSUER = "issuers: {ci: {url: https://ci.example.com, audience: door, kind: github}}\n"


def parse(text: str) -> DoorFile:
    return parse_machine_file(text, DOOR_FILE, DoorFile)


def test_the_whole_file(tmp_path: Path) -> None:
    file = parse(door_text(tmp_path, "https://token.actions.githubusercontent.com"))
    rules = Rules.of(file)
    assert list(rules.by_name) == ["acme/shop", "acme/two", "acme/web/site"]
    shop = rules.by_name["acme/shop"]
    assert (len(shop.secrets), len(shop.hook_secrets)) == (1, 1)
    assert "secret-of-the-tests" not in repr(rules) + redact((tmp_path / "secret").read_text())


def test_defaults_are_safe() -> None:
    file = parse(HEAD + ONE)
    assert (file.listen, file.proxies, file.limits.body) == ("127.0.0.1:4220", (), 1 << 20)
    assert (file.repositories[0].branches, file.repositories[0].tags) == (("main",), ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ONE, "door.yaml:1: `apiVersion` is missing"),
        (HEAD, "`repositories` is missing"),
        (HEAD + "repositories: []\n", "`repositories` is empty"),
        (HEAD + ONE + "secret: change-me\n", "door.yaml:3: unknown key `secret`"),
        (HEAD + ONE.replace("a/b", "a"), "repositories[0].name: must be OWNER/NAME"),
        (HEAD + ONE.replace("a/b", "https://x/a/b"), "repositories[0].name: must be OWNER/NAME"),
        (HEAD + ONE.replace("[a]", "[]"), "`apps` must name at least one app"),
        (HEAD + ONE.replace("[a]", "[A]"), "repositories[0].apps[0]: must be lower-case"),
        (HEAD + ONE.replace("[a]", "[a, a]"), "and each once"),
        (HEAD + ONE.replace("secrets: [{variable: DOOR_SECRET}]", "branches: [main]"), "nobody may ask"),
        (HEAD + ONE.replace("secrets", "branches: [], secrets"), "must have `branches` or `tags`"),
        (HEAD + ONE.replace("variable: DOOR_SECRET", "value: x"), "unknown key `value`"),
        (HEAD + ONE.replace("{variable: DOOR_SECRET}", "x"), "secrets[0]"),
        (
            HEAD + ONE.replace("variable: DOOR_SECRET", "variable: X, file: /x"),
            "must have `file` or `variable`",
        ),
        (HEAD + ONE.replace("variable: DOOR_SECRET", "file: x"), "file: must match"),
        (
            HEAD + ONE.replace("]\n", ", {name: a/b, apps: [b], secrets: [{file: /x}]}]\n"),
            "a/b is there twice",
        ),
        (
            HEAD + ONE.replace("secrets", "tags: ['v 1'], secrets"),
            "tags[0]: must be the name of",
        ),
        (HEAD + ONE + "listen: '4220'\n", "listen: '4220' is not HOST:PORT"),
        (HEAD + ONE + "limits: {body: 100000000}\n", "limits.body"),
        (HEAD + ONE + "limits: {requests: 0}\n", "limits.requests"),
        (
            HEAD + ONE + "issuers: {ci: {url: http://ci.example.com, audience: x, kind: github}}\n",
            "url: must be an https address",
        ),
        (HEAD + ONE + ISSUER.replace("kind: github", "kind: jenkins"), "kind: must be"),
        (HEAD + ONE + ISSUER.replace("kind: github", "kind: other"), "`claims` belongs to kind `other`"),
        (HEAD + ONE + ISSUER.replace("audience: door, ", ""), "`audience` is missing"),
        (HEAD + ONE + ISSUER.replace("github}", "github, leeway: 6m}"), "leeway: must be at most 5m"),
        (HEAD + "repositories: [{name: a/b, apps: [a], tokens: [{issuer: ci}]}]\n", "names no issuer"),
        (
            HEAD + "repositories: [{name: a/b, apps: [a], hook: {forge: svn, secrets: [{file: /x}]}}]\n",
            "forge: must be",
        ),
        (
            HEAD + "repositories: [{name: a/b, apps: [a], hook: {forge: gitea, secrets: []}}]\n",
            "`secrets` is empty",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "   ", "change-me", "short-secret-15"])
def test_a_secret_that_is_missing_or_short_is_an_error(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOOR_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("DOOR_SECRET", value)
    with pytest.raises(MissingPartError, match="DOOR_SECRET") as caught:
        Rules.of(parse(HEAD + ONE))
    assert value is None or not value.strip() or value not in str(caught.value)


def test_the_schema_has_every_key() -> None:
    schema = machine_file_schema(DoorFile, DOOR_FILE)
    assert set(schema["properties"]) == {
        *(
            "apiVersion",
            "grace",
            "issuers",
            "limits",
            "listen",
            "prefect",
            "proxies",
            "repositories",
            "tls",
            "ui",
        ),
    }
    json.dumps(schema)
