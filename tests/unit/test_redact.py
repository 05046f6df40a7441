"""redact.py: canaries planted in every form must not come out."""

import base64
import gzip
import html
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import pytest

from towpath.redact import (
    install_log_redaction,
    mask_secret,
    names_secret,
    redact,
    redact_data,
    remember_environment_secrets,
    remember_objects,
    remember_secret,
)
from towpath.redact.known_values import KnownValues
from towpath.redact.manifests import secret_values

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
        "https://a.blob.example.com/c?sv=2024&sig=canary%2F1%3D&se=2027",
        "https://a.blob.example.com/c?sig=canary%2F1%3D",
        "Endpoint=x;SharedAccessSignature=sr=x&sig=canary1&se=1",
        "https://b.example.com/o?X-Amz-Date=1&X-Amz-Signature=canary1",
        "https://b.example.com/o?X-Goog-Signature=canary1&x=2",
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
    assert one.startswith("*** (mark ")


def test_mask_secret_gives_data_and_string_data_the_same_mark() -> None:
    masked = mask_secret({"kind": "Secret", "data": {"k": B64}, "stringData": {"k": "canary-value-1"}})
    assert masked["data"] == masked["stringData"]


def test_mask_secret_masks_the_annotation_of_kubectl_and_lists() -> None:
    secret = {"kind": "Secret", "data": {"key": B64}}
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(secret)}
    everything = {"kind": "List", "items": [{**secret, "metadata": {"annotations": annotation}}]}
    assert B64 not in json.dumps(mask_secret(everything))
    assert B64 in json.dumps(everything)


def test_a_record_of_helm_is_not_looked_for_by_value() -> None:
    """It has up to a megabyte, is packed, and would take minutes to look for."""
    record = base64.b64encode(base64.b64encode(gzip.compress(b'{"chart": {}}'))).decode()
    secret = {"kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": record, "password": B64}}
    assert set(secret_values(secret)) == {B64, "canary-value-1"}
    for other in ({**secret, "type": "Opaque"}, {**secret, "data": {"other": record}}):
        assert record in set(secret_values(other))


def test_mask_secret_leaves_other_kinds() -> None:
    manifest = {"kind": "ConfigMap", "data": {"key": "value"}}
    assert mask_secret(manifest) is manifest


def test_mask_secret_twice_changes_nothing() -> None:
    masked = mask_secret({"kind": "Secret", "data": {"key": B64}})
    assert mask_secret(masked) == masked


VALUE = "Zq7\"<x&9/w+K'=é 4"


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        json.dumps(VALUE),
        json.dumps(json.dumps(VALUE)),
        json.dumps(VALUE).replace("<", "\\u003c").replace("&", "\\u0026"),
        quote(VALUE, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(VALUE, safe="")),
        quote_plus(VALUE),
        html.escape(VALUE),
        repr(VALUE),
        VALUE.replace("'", "''"),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(b"x" + VALUE.encode()).decode(),
        quote(base64.b64encode(VALUE.encode()).decode(), safe=""),
    ],
)
def test_a_known_value_is_masked_as_json_yaml_html_urls_and_python_write_it(form: str) -> None:
    remember_objects([{"kind": "Secret", "stringData": {"colour": VALUE}}])
    assert redact(f"<{form}>") == redact(redact(f"<{form}>"))
    assert form.strip("\"'") not in redact(f"<{form}>")
    assert "***" in redact(f"<{form}>")


KEY = "\n".join(["-----BEGIN THING-----", "Qm9yaXNsaW5lMQ", "c2Vjb25kbGluZTIy", "-----END THING-----"])
DOCKER = {"auths": {"r.example": {"username": "rob", "auth": base64.b64encode(b"rob:do-ck3r").decode()}}}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (KEY, "c2Vjb25kbGluZTIy"),
        ("postgresql://bob:pg-s3cret%21@db:5432/x", "pg-s3cret!"),
        ("Server=db;Uid=u;Pwd=ms-s3cret;Encrypt=yes", "ms-s3cret"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=YWNjb3VudA==;E=x", "YWNjb3VudA=="),
        (json.dumps({"colour": {"inner": ["js0n-leaf"]}}), "js0n-leaf"),
        (json.dumps(DOCKER), "do-ck3r"),
        ("[client]\ncolour = ini-s3cret\n", "ini-s3cret"),
        ("\nends-with-newline\n", "ends-with-newline"),
        ("redis://:r3dis-pass@cache/0", "r3dis-pass"),
    ],
)
def test_values_inside_a_value_are_known(value: str, part: str) -> None:
    data = {"harmless": base64.b64encode(value.encode()).decode()}
    remember_objects([{"kind": "SecretList", "items": [{"metadata": {"name": "x"}, "data": data}]}])
    assert part not in redact(f"log: {part}.")


def _deployment(container: dict[str, object]) -> dict[str, object]:
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}


APPLIED = {"kind": "Secret", "stringData": {"size": "last-applied-1"}}


@pytest.mark.parametrize(
    ("manifest", "value"),
    [
        (_deployment({"env": [{"name": "DB_PASS", "value": "by-name-1"}]}), "by-name-1"),
        (_deployment({"env": [{"name": "apiToken", "value": "by-name-2"}]}), "by-name-2"),
        (_deployment({"env": [{"name": "URL", "value": "amqp://u:by-url-3@mq"}]}), "by-url-3"),
        (_deployment({"args": ["--db-password", "by-option-4"]}), "by-option-4"),
        (_deployment({"command": ["sh", "-c", "curl -u bob:by-user-5 http://x"]}), "by-user-5"),
        ({"kind": "ConfigMap", "data": {"a.conf": "db_password = by-text-6\n"}}, "by-text-6"),
        ({"kind": "ConfigMap", "data": {"x.json": json.dumps(APPLIED)}}, "last-applied-1"),
        ({"kind": "ConfigMap", "data": {"x": "kind: Secret\nstringData:\n  a: 'in-yaml-8'\n"}}, "in-yaml-8"),
        ({"kind": "ConfigMap", "data": {"x": "{kind: Secret, stringData: {a: in-flow-9}}"}}, "in-flow-9"),
        (
            {"kind": "ConfigMap", "data": {"x": f"kind: Secret\ndata:\n  a: {B64}\n"}},
            "canary-value-1",
        ),
        (
            {
                "kind": "Secret",
                "metadata": {
                    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(APPLIED)}
                },
            },
            "last-applied-1",
        ),
        ({"kind": "List", "items": [{"kind": "Secret", "stringData": {"k": "in-a-list-7"}}]}, "in-a-list-7"),
    ],
)
def test_values_of_objects_are_known(manifest: dict[str, object], value: str) -> None:
    remember_objects([manifest])
    assert value not in redact(f"the pod says {value} twice: {value}")


@pytest.mark.parametrize(
    "text",
    [
        "curl -u bob:canary-1 https://x",
        "curl --proxy-user 'bob:canary-1' https://x",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=canary-1+/a==;EndpointSuffix=x",
        "DB_PASS=canary-1",
        "export PASS=canary-1",
        "dbPass: canary-1",
        "Server=db;User Id=u;Password=canary-1;",
        "SENTRY_DSN=canary-1",
        "kind: Secret\nstringData: {colour: canary-1, size: 'canary-2'}\n",
        "{kind: Secret, stringData: {colour: canary-1}}",
        "kind: Secret\ndata: {\n  colour: canary-1\n}\n",
        "- kind: Secret\n  stringData:\n    ? colour\n    : canary-1\n",
        "kind: SecretList\nitems:\n- stringData:\n    colour: canary-1\n",
        "kind: 'Secret' # mine\nstringData: # values\n  colour: canary-1\n",
    ],
)
def test_more_places_of_credentials(text: str) -> None:
    assert "canary" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize("text", ["--- PASS: TestHello (0.00s)", "docker run -u 1000:1000 x", "bypass: true"])
def test_more_harmless_text_stays(text: str) -> None:
    assert redact(text) == text


def test_names_of_apps_and_environments_are_no_secrets() -> None:
    remember_objects([{"kind": "Secret", "stringData": {"user": "shopfront"}}], ["shopfront"])
    assert redact("app shopfront") == "app shopfront"


def test_values_that_overlap_leave_nothing_over() -> None:
    remember_objects([{"kind": "Secret", "stringData": {"a": "abcdefgh", "b": "efghijkl"}}])
    assert redact("<abcdefghijkl>") == "<***>"


def test_data_keeps_its_shape() -> None:
    remember_secret('":{"x')
    data = {"a": {"x": 1, "password": "p", "list": [True, None, "DB_PASS=canary-1"]}}
    assert redact_data(data) == {"a": {"x": 1, "password": "***", "list": [True, None, "DB_PASS=***"]}}


def test_log_records_and_tracebacks_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    factory = logging.getLogRecordFactory()
    remember_secret("logged-canary")
    install_log_redaction()
    try:
        logging.getLogger("towpath.test").warning("says %s", "logged-canary")
        try:
            int("logged-canary")
        except ValueError:
            logging.getLogger("towpath.test").exception("failed")
    finally:
        logging.setLogRecordFactory(factory)
    assert "says ***" in caplog.text
    assert "ValueError" in caplog.text
    assert "logged-canary" not in caplog.text


def test_lone_surrogates_do_not_break_it() -> None:
    remember_secret("sur\udc80rogate")
    assert redact("a sur\udc80rogate \ud800") == "a *** \ud800"


def test_threads_remember_and_mask_at_the_same_time() -> None:
    def work(number: int) -> bool:
        value = f"thread-{number}-canary"
        remember_secret(value)
        return value not in redact(f"x {value} y")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns after each few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        ({"kind": "Secret", "data": {}}, True),
        ({"kind": "Deployment", "spec": {"env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}}, True),
        ({"kind": "Pod", "spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}}, True),
        ({"kind": "ServiceAccount", "imagePullSecrets": [{"name": "s"}]}, True),
        ({"kind": "Ingress", "spec": {"tls": [{"secretName": "s"}]}}, True),
        ({"kind": "Database", "spec": {"auth": {"existingSecret": "s"}}}, True),
        ({"kind": "ConfigMap", "data": {"colour": "the word secret"}}, False),
        ({"kind": "ServiceAccount", "imagePullSecrets": []}, False),
        ({"kind": "ConfigMap", "data": None}, False),
    ],
)
def test_what_names_a_secret(manifest: dict[str, object], names: bool) -> None:
    assert names_secret(manifest) is names


@pytest.mark.usefixtures("restless_threads")
def test_what_is_known_stays_masked_while_other_values_come_and_go() -> None:
    known, ended = KnownValues(), threading.Event()
    known.add(["steady-canary-value"])

    def disturb() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            known.add([f"passing-{number}-value"])
            known.mask("some other text")
            if number % 25 == 0:
                known.discard(f"passing-{number}-value")

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(disturb) for _ in range(3)]
        try:
            assert all(known.mask("x steady-canary-value y") == "x *** y" for _ in range(1_000))
        finally:
            ended.set()
    assert [other.result() for other in others] == [None, None, None]


def test_ten_thousand_secrets_are_known_and_masked_in_time() -> None:
    values = [f"{number:05}-{number * 7919 % 99991:05}-canary" for number in range(10_000)]
    secrets = [{"kind": "Secret", "stringData": {"k": value}} for value in values]
    started = time.process_time()
    remember_objects(secrets)
    assert "canary" not in redact("00042-32625-canary " + "harmless text " * 100_000)
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("SecretList", {"data": {"k": "Y2FuYXJ5LTE="}}),
        ("SecretList", {"stringData": {"k": "canary-1"}}),
        ("SecretList", {"apiVersion": "v1", "kind": "Secret", "data": {"k": "Y2FuYXJ5LTE="}}),
        ("List", {"apiVersion": "v1", "kind": "Secret", "stringData": {"k": "canary-1"}}),
        ("List", {"kind": "SecretList", "items": [{"data": {"k": "Y2FuYXJ5LTE="}}]}),
    ],
)
def test_a_secret_in_a_list_is_masked(kind: str, item: dict[str, object]) -> None:
    listed = {"apiVersion": "v1", "kind": kind, "items": [{"metadata": {"name": "a"}, **item}, "no object"]}
    masked = mask_secret(listed)
    assert "canary-1" not in str(masked)
    assert "Y2FuYXJ5LTE=" not in str(masked)
    assert "*** (mark " in str(masked)
    first, other = masked["items"]
    assert first["metadata"] == {"name": "a"}
    assert ("kind" in first) == ("kind" in item)
    assert other == "no object"


def test_the_working_folder_of_a_shell_is_no_secret() -> None:
    remember_environment_secrets(
        {"PWD": "/srv/team-folder", "OLDPWD": "/srv/other-folder", "DB_PWD": "db-pwd-1"}
    )
    text = "git clone /srv/team-folder/a.git /srv/other-folder db-pwd-1"
    assert redact(text) == "git clone /srv/team-folder/a.git /srv/other-folder ***"


@pytest.mark.parametrize(
    "text",
    [
        "TOWPATH_SIGNING_KEY=/etc/towpath/keys/prod",
        "TOWPATH_SIGNING_KEY: there is no file /etc/towpath/keys/prod",
        'set TOWPATH_SIGNING_KEY="/home/ann/my keys/prod" and start the agent again',
        '{"TOWPATH_SIGNING_KEY": "/etc/towpath/keys/prod", "TOWPATH_BRANCH": "main"}',
        "- {name: TOWPATH_SIGNING_KEY, value: /etc/towpath/keys/prod}",
        "git -c user.signingKey=/etc/towpath/keys/prod commit-tree failed",
        "name its file by `keys.signing` in agent.yaml, or by TOWPATH_SIGNING_KEY. towpath keys make prod",
        "the commit cannot be signed with /etc/towpath/keys/prod: no such file",
    ],
)
def test_the_path_of_the_signing_key_and_the_words_around_it_are_told(text: str) -> None:
    remember_environment_secrets({"TOWPATH_SIGNING_KEY": "/etc/towpath/keys/prod"})
    assert redact(text) == text
    assert redact_data({"TOWPATH_SIGNING_KEY": "/etc/towpath/keys/prod"}) == {
        "TOWPATH_SIGNING_KEY": "/etc/towpath/keys/prod"
    }


@pytest.mark.parametrize(
    "name", ["SIGNING_KEY", "MY_SIGNING_KEY", "signingKey", "TOWPATH_API_KEY", "user.secretKey"]
)
def test_other_keys_are_masked_as_before(name: str) -> None:
    assert redact(f"{name}=hunter2hunter2") == f"{name}=***"


def test_a_last_applied_annotation_that_is_nested_too_deeply_is_masked_whole() -> None:
    """Whoever edits one Secret would stop the comparison of its environment else."""
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "[" * 100_000}
    secret = {"kind": "Secret", "metadata": {"name": "a", "annotations": annotations}, "data": {}}
    assert set(mask_secret(secret)["metadata"]["annotations"].values()) == {"***"}
