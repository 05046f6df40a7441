"""redact.py: canaries planted in every form must not come out."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from towpath.redact import mask_secret, redact, remember_environment_secrets, remember_secret

CANARY = "C4nary/7f3a+9d=="
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAcanary\nq83vEjRWeJC=\n-----END RSA PRIVATE KEY-----"
B64 = base64.b64encode(b"canary-value-1").decode()


@pytest.mark.parametrize(
    "text",
    [
        "password=canary-1",
        "DB_PASSWORD: canary-1",
        'export API_KEY="canary-1"',
        "'client_secret': 'canary-1'",
        '{"auth_token": "canary-1", "x": 1}',
        '{\\"token\\": \\"canary-1\\"}',
        "aws_secret_access_key = canary-1",
        "docker login --password canary-1 host",
        "https://bob:canary-1@git.example.org/a.git",
        "https://canary-1@git.example.org/a.git",
        "postgresql://u:canary-1@db:5432/x",
        "Authorization: Bearer canary-1.abc",
        "authorization: Basic canary-1abc",
        '"Authorization": "Bearer canary-1abc"',
        "remote said ghp_canary1canary1canary1canary1",
        "jwt eyJcanaryAAAA.eyJcanaryBBBB.canarycanary",
        "?access_token=canary-1&x=2",
    ],
)
def test_a_canary_does_not_come_out(text: str) -> None:
    assert "canary" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Deployment dev/hello configured",
        "secretName: hello-tls",
        "automountServiceAccountToken: false",
        "ssh://git@host/repo.git",
        "http://127.0.0.1:4200/api",
        "127.0.0.1:5000/hello@sha256:" + "a" * 64,
        "commit 3f786850e387550fdaab836ed7e6dc881de23001",
        "tokenExpirationSeconds: 3600",
        "basic tests passed",
        "secret:\n  secretName: hello-tls",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "pem", [PEM, PEM.replace("\n", "\\n"), PEM.partition("\n-----END")[0], PEM.replace("\n", "\n-")]
)
def test_private_keys_do_not_come_out(pem: str) -> None:
    masked = redact(f"before\n{pem}\n")
    assert "MIIE" not in masked
    assert "q83v" not in masked
    assert masked.startswith("before")


def test_base64_of_a_private_key_does_not_come_out() -> None:
    encoded = base64.b64encode(PEM.encode()).decode()
    assert redact(f"tls.key: {encoded} end") == "tls.key: *** end"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_remembered_values_are_masked_in_every_form(before: str) -> None:
    remember_secret(CANARY)
    forms = [
        CANARY,
        quote(CANARY, safe=""),
        base64.b64encode(CANARY.encode()).decode(),
        base64.b64encode(f"{before}{CANARY}".encode()).decode(),
        base64.urlsafe_b64encode(f"{before}{CANARY}!".encode()).decode(),
    ]
    for form in forms:
        masked = redact(f"<{form}>")
        assert form not in masked
        assert "***" in masked


def test_the_environments_credentials_are_remembered() -> None:
    remember_environment_secrets({"REGISTRY_PASSWORD": "environment-canary", "HOME": "/home/someone"})
    assert redact("environment-canary in /home/someone") == "*** in /home/someone"


@pytest.mark.parametrize(
    "text",
    [
        f"apiVersion: v1\nkind: Secret\ndata:\n  key: {B64}\nmetadata:\n  name: hello\n",
        f"+kind: Secret\n+data:\n+  key: {B64}\n metadata:\n   name: hello\n",
        f'{{"kind": "Secret", "data": {{"key": "{B64}"}}, "metadata": {{"name": "hello"}}}}',
        json.dumps(json.dumps({"data": {"key": B64}, "kind": "Secret", "metadata": {"name": "hello"}})),
        f"kind: Secret\nstringData:\n  key: |\n    {B64}\nmetadata:\n  name: hello\n",
    ],
)
def test_secret_manifests_in_text_lose_their_values_only(text: str) -> None:
    masked = redact(text)
    assert B64 not in masked
    assert "hello" in masked


def test_other_manifests_beside_a_secret_stay() -> None:
    text = f"kind: ConfigMap\ndata:\n  a: plain\n---\nkind: Secret\ndata:\n  b: {B64}\n"
    assert "a: plain" in redact(text)
    assert B64 not in redact(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a-",
        "a.",
        "eyJ-",
        "\\",
        "\n",
        "- ",
        "-----BEGIN PRIVATE KEY-----",
        "https://",
        "token ",
        "--token-",
        '"',
        '{"data": ',
        'password="',
        "kind: Secret\n",
        "kind: Secret\ndata:\n",
        '"kind": "Secret" \\\\',
        "Bearer ",
    ],
)
def test_a_hostile_text_is_redacted_in_time(unit: str) -> None:
    # Our own CPU time, and far more than it takes: what is not linear takes minutes.
    started = time.process_time()
    redact("Secret " + unit * (300_000 // len(unit)))
    assert time.process_time() - started < 15


def test_redacting_twice_changes_nothing() -> None:
    text = f"password=abcdefgh https://a:b@host Bearer abcdefghij {PEM}"
    assert redact(redact(text)) == redact(text)


def test_mask_secret_shows_that_a_value_changed_and_not_the_value() -> None:
    one, same, other = (
        mask_secret({"kind": "Secret", "data": {"key": base64.b64encode(value).decode()}})["data"]["key"]
        for value in (b"one", b"one", b"other")
    )
    assert one == same != other
    assert one.startswith("*** (sha256 ")


def test_mask_secret_gives_data_and_string_data_the_same_mark() -> None:
    masked = mask_secret({"kind": "Secret", "data": {"k": B64}, "stringData": {"k": "canary-value-1"}})
    assert masked["data"] == masked["stringData"]


def test_mask_secret_masks_the_annotation_of_kubectl_and_lists() -> None:
    secret = {"kind": "Secret", "data": {"key": B64}}
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret)}
    everything = {"kind": "List", "items": [{**secret, "metadata": {"annotations": annotation}}]}
    assert B64 not in json.dumps(mask_secret(everything))
    assert B64 in json.dumps(everything)


def test_mask_secret_leaves_other_kinds() -> None:
    manifest = {"kind": "ConfigMap", "data": {"key": "value"}}
    assert mask_secret(manifest) is manifest


def test_mask_secret_twice_changes_nothing() -> None:
    masked = mask_secret({"kind": "Secret", "data": {"key": B64}})
    assert mask_secret(masked) == masked
