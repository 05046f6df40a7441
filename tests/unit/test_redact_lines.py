"""What is secret over several lines of a log is masked in each of them; what comes after it is not."""

import pytest

from towpath.redact.lines import KEY_LINES, LineRedactor

B64 = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="


def masked(text: str) -> list[str]:
    redactor = LineRedactor()
    return [redactor.redact(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "kind",
    ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"],
)
@pytest.mark.parametrize("before", ["", "    ", "2026-11-29T12:00:00Z INFO key: ", "| ", '"'])
def test_a_private_key_is_masked_up_to_its_end(kind: str, before: str) -> None:
    body = [f"{before}MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{n}" for n in range(30)]
    key = "\n".join([f"{before}-----BEGIN {kind}-----", *body, f"{before}-----END {kind}-----"])
    lines = masked(f"starting\n{key}\nlistening on 8080")
    assert lines[0] == "starting"
    assert "BEGIN" not in lines[1]
    assert lines[2:-1] == ["***"] * 31
    assert lines[-1] == "listening on 8080"


def test_the_headers_and_empty_lines_of_an_old_key_and_a_pgp_key_are_masked() -> None:
    old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----\nup"
    assert masked(old)[1:] == ["***", "***", "***", "***", "up"]
    pgp = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\nup"
    assert masked(pgp)[1:] == ["***", "***", "***", "***", "up"]


def test_a_key_without_an_end_is_masked_for_so_many_lines() -> None:
    lines = masked("\n".join(["-----BEGIN PRIVATE KEY-----", *["line"] * (KEY_LINES + 2)]))
    assert lines[1:] == ["***"] * KEY_LINES + ["line"] * 2


def test_a_second_key_is_masked_after_the_first() -> None:
    one = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
    assert masked(f"{one}\n{one}\nup")[-1] == "up"
    cut = "-----BEGIN PRIVATE KEY-----\nMIIE"
    assert "MII" not in "".join(masked(f"{cut}\n{one}"))
    assert masked(f"{cut}\n{one}\nup")[-1] == "up"


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "-----END PRIVATE KEY-----",
        "no BEGIN PRIVATE KEY was found",
    ],
)
def test_what_does_not_begin_a_key_masks_nothing_after_it(line: str) -> None:
    assert masked(f"{line}\nlistening")[1] == "listening"


@pytest.mark.parametrize(
    "manifest",
    [
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  a: {B64}\n  b: {B64}\n",
        f"apiVersion: v1\ndata:\n  a: {B64}\n  b: {B64}\nkind: Secret\nmetadata:\n  name: s\n",
        f"kind: Secret\nstringData:\n  a: |\n    {B64}\n\n    k: {B64}\n  b: {B64}\n",
        f"metadata:\n  name: s\nstringData:\n  a: {B64}\n",
        f"kind: 'Secret'\n\"data\":\n  'a': {B64}\n",
        f"apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    a: {B64}\n  kind: Secret\nkind: List\n",
        f'{{\n  "apiVersion": "v1",\n  "data": {{\n    "a": "{B64}"\n  }},\n  "kind": "Secret"\n}}\n',
        f'{{\n    "kind": "Secret",\n    "stringData": {{\n        "a": "{B64}"\n    }}\n}}\n',
        f"kind: Secret\ndata: {{a: {B64}}}\n",
        f"INFO applying apiVersion: v1\nkind: Secret\ndata:\n  a: {B64}\n",
        f"kind: Secret\nmetadata:\n  ownerReferences:\n  - apiVersion: apps/v1\n    kind: Deployment\n"
        f"data:\n  a: {B64}\n",
        f"kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\ndata:\n  a: {B64}\n",
    ],
)
def test_the_data_of_a_secret_is_masked_and_its_names_stay(manifest: str) -> None:
    lines = masked(f"{manifest}listening on 8080: ok")
    assert B64 not in "\n".join(lines)
    assert "***" in "\n".join(lines)
    assert any(name in "\n".join(lines) for name in ("  a: ***", "'a': ***", '"a": ***', "{a", "data: ***"))
    assert lines[-1] == "listening on 8080: ok"


@pytest.mark.parametrize(
    "text",
    [
        "kind: ConfigMap\ndata:\n  a: plain\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: plain\n",
        "kind: Secret\n---\nkind: ConfigMap\ndata:\n  a: plain\n",
        "data:\n  a: plain\n",
        "kind: Secret\ndata: {}\nother:\n  a: plain\n",
        "the kind of Secret is unknown\n  data: plain\n",
        '{\n  "data": {\n    "a": "plain"\n  }\n}\n',
    ],
)
def test_the_data_of_other_objects_stays(text: str) -> None:
    assert masked(text) == text.splitlines()


def test_each_log_has_a_state_of_its_own() -> None:
    one, other = LineRedactor(), LineRedactor()
    one.redact("-----BEGIN PRIVATE KEY-----")
    assert other.redact("MIIE") == "MIIE"
    assert one.redact("MIIE") == "***"
