"""Envelopes: what is written is read; whatever could be read in two ways, or was changed, is refused."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.examples import ALICE, BUILD, MALLORY
from tests.unit.evidence.keys import KEYS
from towpath.errors import EvidenceError, MalformedEvidenceError, UntrustedSignatureError
from towpath.evidence.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    decode_envelope,
    encode_envelope,
    sign_envelope,
    signed_bytes,
)

ENVELOPE = sign_envelope(b'{"a": 1}', BUILD)
CONTENT = encode_envelope(ENVELOPE)


@settings(deadline=None)
@given(st.binary(max_size=500), st.sampled_from(["ed25519", "p256", "rsa"]))
def test_what_is_signed_is_read_and_verified(payload: bytes, kind: str) -> None:
    payload = payload or b"{}"
    read = decode_envelope(encode_envelope(sign_envelope(payload, KEYS[kind])))
    assert read.payload == payload
    assert read.signer([MALLORY.public, KEYS[kind].public]) == KEYS[kind].public


def test_what_is_signed_is_dsses_encoding() -> None:
    assert signed_bytes(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"
    assert BUILD.public.verifies(ENVELOPE.signature, signed_bytes(b'{"a": 1}'))


def test_an_envelope_names_no_key() -> None:
    (signature,) = json.loads(CONTENT)["signatures"]
    assert set(signature) == {"sig"}


def test_an_unknown_key_is_told_with_what_to_do() -> None:
    with pytest.raises(UntrustedSignatureError, match="none of the 2 keys") as caught:
        ENVELOPE.signer([ALICE.public, MALLORY.public])
    assert "towpath keys list" in (caught.value.remedy or "")


def test_a_swapped_payload_does_not_hold() -> None:
    swapped = Envelope(sign_envelope(b'{"a": 2}', MALLORY).payload, ENVELOPE.signature)
    with pytest.raises(UntrustedSignatureError, match="or changed afterwards"):
        decode_envelope(encode_envelope(swapped)).signer([BUILD.public])


@settings(deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(at: int, difference: int) -> None:
    changed = bytearray(CONTENT)
    changed[at] ^= difference
    with pytest.raises(EvidenceError):
        decode_envelope(bytes(changed)).signer([BUILD.public])


@settings(deadline=None)
@given(st.integers(0, len(CONTENT) - 1))
def test_no_cut_off_envelope_is_accepted(length: int) -> None:
    with pytest.raises(MalformedEvidenceError):
        decode_envelope(CONTENT[:length])


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    data = json.loads(CONTENT)
    change(data)
    return json.dumps(data).encode()


def text_of(key: str) -> str:
    return str(json.loads(CONTENT)[key])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTENT[: len(CONTENT) // 2], "cut off|no JSON"),
        (b'{"payload": "' + b"A" * 10_000_000 + b'"}', "more than the"),
        (CONTENT.replace(b'{"payload"', b'{"payload": "e30=", "payload"'), "key 'payload' twice"),
        (CONTENT.replace(b'{"sig"', b'{"sig": "AAAA", "sig"'), "key 'sig' twice"),
        (changed(lambda data: data["signatures"].append(data["signatures"][0])), "2 signatures"),
        (changed(lambda data: data["signatures"].clear()), "0 signatures"),
        (changed(lambda data: data.update(signatures={})), "0 signatures"),
        (changed(lambda data: data.pop("signatures")), "0 signatures"),
        (changed(lambda data: data.update(signatures=["AAAA"])), "unknown form"),
        (changed(lambda data: data["signatures"][0].update(cert="x")), "unknown form"),
        (changed(lambda data: data["signatures"][0].update(keyid=7)), "no text as 'keyid'"),
        (changed(lambda data: data["signatures"][0].pop("sig")), "no text as 'sig'"),
        (changed(lambda data: data.update(payloadType="application/json")), "holds 'application/json'"),
        (changed(lambda data: data.update(payloadType=PAYLOAD_TYPE.upper())), "holds"),
        (changed(lambda data: data.update(payloadType=7)), "no text as 'payloadType'"),
        (changed(lambda data: data.pop("payload")), "no text as 'payload'"),
        (changed(lambda data: data.update(payload="")), "no text as 'payload'"),
        (changed(lambda data: data.update(comment="x")), "unknown key 'comment'"),
        (changed(lambda data: data.update(payload=text_of("payload").rstrip("="))), "not base64"),
        (changed(lambda data: data.update(payload=text_of("payload") + "\n")), "base64"),
        (changed(lambda data: data.update(payload=" " + text_of("payload"))), "not base64"),
        (changed(lambda data: data.update(payload="_-__")), "not base64"),
        (changed(lambda data: data.update(payload="e30=e30=")), "base64"),
        (changed(lambda data: data.update(payload="e31=")), "canonical"),
        (changed(lambda data: data.update(payload="ü")), "not base64"),
        (changed(lambda data: data["signatures"][0].update(sig="AAAA" * 2000)), "more than 4096"),
        (b"[" + CONTENT + b"]", "no JSON object"),
        (b"\xff" + CONTENT, "not UTF-8"),
        (b"", "cut off"),
    ],
)
def test_a_hostile_envelope_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        decode_envelope(content)
    assert caught.value.remedy
    assert len(str(caught.value)) < 500


def test_a_key_id_is_allowed_and_not_believed() -> None:
    content = changed(lambda data: data["signatures"][0].update(keyid=ALICE.public.fingerprint))
    assert decode_envelope(content).signer([ALICE.public, BUILD.public]) == BUILD.public


def test_a_signature_over_another_type_does_not_hold() -> None:
    payload = b'{"a": 1}'
    other = b"DSSEv1 16 application/json %d %s" % (len(payload), payload)
    data = {**json.loads(CONTENT), "signatures": [{"sig": base64.b64encode(BUILD.sign(other)).decode()}]}
    with pytest.raises(UntrustedSignatureError):
        decode_envelope(json.dumps(data).encode()).signer([BUILD.public])
