"""Credentials in the forms that other systems write: manifests, configurations, statements, tokens."""

import time

import pytest

from towpath.redact import redact

SECRET = "Zx9Qw7Lm2Kp4"


@pytest.mark.parametrize(
    "text",
    [
        f"- name: DB_PASSWORD\n  value: {SECRET}\n",
        f'- name: "DB_PASSWORD"\n  value: "{SECRET}"\n',
        f"+        - name: API_TOKEN\n+          value: '{SECRET}'\n",
        f"env: [{{name: apiToken, value: {SECRET}}}]",
        f'{{"name":"DB_PASS","value":"{SECRET}"}}',
        f'{{"name": "REDIS_AUTH", "value": "{SECRET}"}}',
        f'"{{\\"name\\":\\"API_KEY\\",\\"value\\":\\"{SECRET}\\"}}"',
        f'<add key="ApiKey" value="{SECRET}"/>',
        f'<property name="db.password" value="{SECRET}"/>',
    ],
)
def test_the_value_of_a_pair_that_is_named_like_a_credential_is_masked(text: str) -> None:
    assert SECRET not in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        f'password := "{SECRET}"',
        f"token := '{SECRET}'",
        f"api_key => {SECRET}",
        f"SECRET_KEY_BASE={SECRET}",
        f"secret-key-base: {SECRET}",
        f"<password>{SECRET}</password>",
        f"<db.password>{SECRET}</db.password>",
        f"<server><passphrase>{SECRET}</passphrase></server>",
        f"requirepass {SECRET}\n",
        f"port 6379\nmasterauth {SECRET}\n",
        f"--requirepass={SECRET}",
        f"machine example.com login ann password {SECRET}",
        f"machine example.com\n  login ann\n  password {SECRET}\n",
        f"CREATE USER shop IDENTIFIED BY '{SECRET}';",
        f"CREATE USER shop IDENTIFIED WITH sha256_password BY '{SECRET}';",
        f"ALTER ROLE shop WITH PASSWORD '{SECRET}';",
    ],
)
def test_a_credential_in_a_configuration_or_statement_is_masked(text: str) -> None:
    assert SECRET not in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "token",
    [
        f"sk_live_{SECRET}{SECRET}",
        f"rk_test_{SECRET}{SECRET}",
        f"whsec_{SECRET}{SECRET}",
        f"hf_{SECRET * 3}",
        f"SG.{SECRET}{SECRET}.{SECRET}{SECRET}",
        f"shpat_{'0a1b2c3d' * 4}",
        f"dop_v1_{'0a1b2c3d' * 8}",
        f"ya29.{SECRET}{SECRET}",
        f"hvs.{SECRET}{SECRET}",
        f"AGE-SECRET-KEY-1{'QW7LM2KP4Z' * 6}",
        f"https://hooks.slack.com/services/T01/B01/{SECRET}",
        f"https://discord.com/api/webhooks/123456789/{SECRET}",
        f"https://acme.webhook.office.com/webhookb2/0a1b-2c3d@4e5f/IncomingWebhook/{SECRET}/6a7b",
        f"123456789:AA{(SECRET * 3)[:33]}",
        f"https://api.telegram.org/bot1234567890:AA{(SECRET * 3)[:33]}",
    ],
)
def test_a_token_of_a_known_form_is_masked(token: str) -> None:
    shown = redact(f"posting with {token} failed")
    assert token not in shown
    assert token.rpartition("/")[2] not in shown
    assert shown.endswith(" failed")


@pytest.mark.parametrize(
    "text",
    [
        "- name: LOG_LEVEL\n  value: debug\n",
        "- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: db, key: password}}\n",
        "name: token-reviewer\nkind: ServiceAccount",
        "key: colour, value: green",
        "a := 1",
        "<b>bold</b>",
        "discord.com/api",
        "the machine login fails",
        "SELECT a FROM b WHERE c = 'd'",
        "password incorrect",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("name: token\n", "<token", "machine a login b ", "identified by ", "name: x-", "value: "),
        *("A_", "A_KEY:", "A_KEY='", "  token: |\n", "token: |\n    token: |\n", "token: |\n \n"),
    ],
)
def test_a_text_without_an_end_is_redacted_in_time(piece: str) -> None:
    started = time.process_time()
    redact(piece * (300_000 // len(piece)))
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "text",
    [
        "STRIPE_KEY={}",
        'export STRIPE_KEY="{}"',
        "level=info STRIPE_KEY={} PORT=80",
        '{{"MAILGUN_V3_KEY": "{}", "a": 1}}',
        "  SENDGRID_KEY: {}",
        r"{{\"STRIPE_KEY\":\"{}\"}}",
    ],
)
def test_a_variable_that_is_called_a_key_is_masked(text: str) -> None:
    masked = redact(text.format("canary-4f6a81"))
    assert masked == text.format("***")
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "STRIPE_PUBLIC_KEY=canary-4f6a81",
        "PARTITION_KEY=tenant-id-17",
        "APP_CACHE_KEY=pages-2026",
        "TLS_KEY=/etc/tls/tls.key",
        "TLS_KEY=./tls-2026.key",
        'TLS_KEY="~/tls-2026.key"',
        "STRIPE_KEY=$STRIPE_2026",
        "STRIPE_KEY: unexpected end of line 17",
        "STRIPE_KEY is not set",
        "STRIPE_KEY=",
        "A_KEY_OF_MINE=canary-4f6a81",
        "stripe_key_name=canary-4f6a81",
    ],
)
def test_keys_that_are_no_secrets_and_paths_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "DB_PW={}",
        "ROOT_PW: {}",
        "db_pw={}",
        "tool --pw {}",
        "tool --pw={}",
        "DBPASS={}",
        "dbpass: {}",
        *("PASSCODE={}", "passcode: {}", "PW={}", "CARD_PIN={}", "licenseKey: {}", "LICENCE_KEY: {}"),
        *("AUTH_SALT='{}'", "auth_salt: {}", '{{"pass": "{}"}}', "smtp:\n  pass: {}", "pass: {}"),
        "$SQLPASS = '{}'",
        "--ldappass {}",
        "GITHUB_PAT={}",
        "export AZURE_DEVOPS_PAT='{}'",
        "skopeo copy --dest-creds user:{} docker://a docker://b",
        "skopeo copy --src-creds=user:{} docker://a docker://b",
        "podman pull --creds user:{} example.com/a",
    ],
)
def test_short_names_of_credentials_are_masked(text: str) -> None:
    masked = redact(text.format("canary-4f6a81"))
    assert masked == text.format("***")
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        *("compass=north-by-west", "bypass: everything", "the userpass method", "--pwd-file"),
        *("file_pat=some-files", "COMPAT=abcdefgh", "UPDATE_PATCH=abcdefgh", "GITHUB_PATH=/usr/bin/foo"),
        *("--creds /etc/creds.json", "a --pw", "DB_PWM=abcdefgh", "MAP_PINS=abcdefgh", "version-pin: 1.2.3"),
        *(
            "PASS: test_greeting",
            "tests pass: all of them",
            "basalt: grey",
            "SALT_ROUNDS=twelve",
            "npw=abcdefgh",
        ),
    ],
)
def test_names_that_only_end_alike_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "db:\n  password: |\n    {}\n  host: db\n",
        "db:\n  password: >-\n    {}\n    {}\n\n    {}\n  host: db\n",
        "apiToken: |\r\n  {}\r\nhost: db\r\n",
        "password: |+\n\n  {}\nhost: db\n",
        'users:\n- "password": |-\n    {}\n- name: x\n',
        "+  password: |-\n+    {}\n+  host: db\n",
        "   password: |-\n-    {}\n+    {}\n   host: db\n",
        "-  client_secret: |\n-    {}\n+  client_secret: >\n+    {}\n   host: db\n",
    ],
)
def test_a_value_below_its_key_is_masked(text: str) -> None:
    masked = redact(text.replace("{}", "canary-4f6a81"))
    assert "canary" not in masked
    assert masked.replace("***\n", "***\r\n" if "\r" in text else "***\n") == text.replace("{}", "***")
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "  password: |\n  host: db\n",
        "password: |\nhost: db\n",
        "description: |\n  password\n  host: db\n",
        "kind: |\n  a\ntoken-reviewers:\n  - a\n",
    ],
)
def test_an_empty_block_and_another_one_stay(text: str) -> None:
    assert redact(text) == text
