import json
from typing import Any

import pytest

from tests.unit.evidence.examples import BUILD
from towpath.errors import MalformedEvidenceError
from towpath.evidence.bundle import BUNDLE_TYPE, decode_bundle, encode_bundle
from towpath.evidence.envelope import sign_envelope

ENVELOPE = sign_envelope(b"{}", BUILD)
CONTENT = encode_bundle(ENVELOPE, BUILD.public)


def changed(**changes: Any) -> bytes:
    data = {**json.loads(CONTENT), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not None}).encode()


def test_a_bundle_is_read_as_it_was_written() -> None:
    assert decode_bundle(CONTENT) == ENVELOPE
    assert json.loads(CONTENT)["mediaType"] == BUNDLE_TYPE


def test_what_it_says_of_its_key_is_not_read() -> None:
    assert decode_bundle(changed(verificationMaterial={"certificate": {"rawBytes": "x"}})) == ENVELOPE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"), "version=0.1"),
        (changed(mediaType=None), "no text as 'mediaType'"),
        (changed(dsseEnvelope=None), "no object as 'dsseEnvelope'"),
        (changed(dsseEnvelope=[]), "no object as 'dsseEnvelope'"),
        (changed(messageSignature={}), "signs a message"),
        (changed(dsseEnvelope={"payload": "e30="}), "no text as 'payloadType'"),
        (CONTENT[:-2], "cut off"),
        (b"x" * 3_000_000, "more than the 2097152"),
    ],
)
def test_what_is_no_bundle_of_a_statement_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said):
        decode_bundle(content)
