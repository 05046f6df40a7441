import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.evidence.examples import DIGEST, EVIDENCE_OF_HELLO, OTHER_DIGEST
from towpath.errors import MalformedEvidenceError, OtherSubjectError
from towpath.evidence.statement import Image, ScanEvidence, decode_statement, encode_statement

CONTENT = encode_statement(EVIDENCE_OF_HELLO)
SECOND = Image("127.0.0.1:5000/hello-worker", OTHER_DIGEST)


def test_evidence_is_read_as_it_was_written() -> None:
    assert decode_statement(CONTENT) == EVIDENCE_OF_HELLO


def test_it_is_an_in_toto_statement() -> None:
    data = json.loads(CONTENT)
    assert (data["_type"], data["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://towpath.dev/release/v1",
    )
    assert data["subject"] == [{"name": "127.0.0.1:5000/hello", "digest": {"sha256": "1" * 64}}]


def test_a_first_release_has_no_previous_one() -> None:
    first = replace(EVIDENCE_OF_HELLO, previous="")
    assert "previous" not in json.loads(encode_statement(first))["predicate"]
    assert decode_statement(encode_statement(first)) == first


def test_the_order_of_images_and_authors_changes_no_byte() -> None:
    both = replace(EVIDENCE_OF_HELLO, images=(SECOND, *EVIDENCE_OF_HELLO.images), authors=("b", "a", "b"))
    turned = replace(both, images=both.images[::-1], authors=("a", "b"))
    assert encode_statement(both) == encode_statement(turned)


def test_an_image_that_was_not_scanned_has_no_report() -> None:
    evidence = replace(EVIDENCE_OF_HELLO, scan=ScanEvidence("not-scanned", "", ""))
    assert decode_statement(encode_statement(evidence)) == evidence


def test_a_scan_says_what_another_policy_needs_to_judge_it() -> None:
    report, found = "sha256:" + "4" * 64, {"CVE-1": "LOW"}
    scan = ScanEvidence("passed", report, "5" * 12, ("secret", "vuln"), found, {"LOW": 1}, "0.59", "debian")
    evidence = replace(EVIDENCE_OF_HELLO, scan=scan, subject="Say hello", author="Ann <a@x>", run="run-1")
    assert decode_statement(encode_statement(evidence)) == evidence
    nothing = replace(evidence, scan=replace(scan, findings={}))
    assert decode_statement(encode_statement(nothing)).scan.findings == {}, "nothing found is not: not stated"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scanners", "secret"),
        ("scanners", [""]),
        ("scanners", [1]),
        ("findings", ["CVE-1"]),
        ("findings", {"CVE-1": 1}),
        ("findings", {"CVE-1": None}),
        ("counts", {"LOW": "1"}),
        ("counts", {"LOW": True}),
        ("counts", {"LOW": 1.5}),
        ("scanner", 1),
        ("system", []),
    ],
)
def test_a_scan_of_another_form_is_refused(key: str, value: Any) -> None:
    data = json.loads(CONTENT)
    data["predicate"]["scan"][key] = value
    with pytest.raises(MalformedEvidenceError):
        decode_statement(json.dumps(data).encode())


def test_evidence_is_about_exactly_its_images() -> None:
    both = replace(EVIDENCE_OF_HELLO, images=(*EVIDENCE_OF_HELLO.images, SECOND))
    both.require("hello", (OTHER_DIGEST, DIGEST))
    EVIDENCE_OF_HELLO.require("hello", (DIGEST,))
    for some in ((DIGEST,), (OTHER_DIGEST,), (DIGEST, OTHER_DIGEST, "sha256:" + "9" * 64)):
        with pytest.raises(OtherSubjectError, match=r"is about sha256:1111.*, sha256:2222"):
            both.require("hello", some)


def test_another_app_or_image_is_not_proven() -> None:
    with pytest.raises(OtherSubjectError, match="about app 'hello', not 'shop'"):
        EVIDENCE_OF_HELLO.require("shop", (DIGEST,))
    with pytest.raises(OtherSubjectError, match="not about sha256:2222"):
        EVIDENCE_OF_HELLO.require("hello", (OTHER_DIGEST,))


def test_what_a_later_version_states_is_left_out() -> None:
    data = json.loads(CONTENT)
    data["predicate"]["sbom"] = {"digest": "x"}
    assert decode_statement(json.dumps(data).encode()) == EVIDENCE_OF_HELLO


@pytest.mark.parametrize(
    "changes",
    [
        {"images": ()},
        {"images": (Image("hello", "latest"),)},
        {"authors": ()},
        {"authors": ("",)},
        {"commit": "c" * 7},
        {"commit": ""},
        {"builder": ""},
        {"app": ""},
        {"scan": ScanEvidence("passed", "", "5")},
        {"scan": ScanEvidence("passed", "sha256:" + "4" * 64, "")},
        {"scan": ScanEvidence("fine", "sha256:" + "4" * 64, "5")},
        {"finished_at": "2026-11-21T10:00:00Z"},
        {"started_at": "2026-11-21 11:00"},
    ],
)
def test_evidence_that_lacks_something_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvidenceError, match="release evidence"):
        encode_statement(replace(EVIDENCE_OF_HELLO, **changes))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    data = json.loads(CONTENT)
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(lambda data: data.update(_type="https://in-toto.io/Statement/v0.1")), "_type"),
        (changed(lambda data: data.update(predicateType="https://slsa.dev/provenance/v1")), "predicateType"),
        (changed(lambda data: data.update(subject=[])), "subjects"),
        (changed(lambda data: data.update(subject=data["subject"] * 2)), "twice"),
        (changed(lambda data: data.update(subject=data["subject"] * 200)), "subjects"),
        (changed(lambda data: data.update(subject={"name": "x"})), "subjects"),
        (changed(lambda data: data["subject"][0].update(digest={"sha512": "1" * 128})), "'sha256'"),
        (changed(lambda data: data["subject"][0]["digest"].update(sha256="A" * 64)), "no sha256"),
        (changed(lambda data: data.update(predicate=None)), "no object as 'predicate'"),
        (changed(lambda data: data["predicate"].update(app=7)), "no text as 'app'"),
        (changed(lambda data: data["predicate"].update(authors="Ann")), "authors"),
        (changed(lambda data: data["predicate"].update(authors=[7])), "no text"),
        (changed(lambda data: data["predicate"].update(authors=["a"] * 6000)), "authors"),
        (changed(lambda data: data["predicate"].update(scan="passed")), "no object as 'scan'"),
        (changed(lambda data: data["predicate"].update(previous=None)), "no text as 'previous'"),
        (changed(lambda data: data["predicate"]["source"].pop("commit")), "no text as 'commit'"),
        (CONTENT.replace(b'"app":', b'"app":"shop","app":'), "key 'app' twice"),
    ],
)
def test_another_statement_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        decode_statement(content)
    assert caught.value.remedy


def test_only_a_prebuilt_image_has_no_commit() -> None:
    prebuilt = replace(EVIDENCE_OF_HELLO, commit="", prebuilt=True)
    content = encode_statement(prebuilt)
    assert "commit" not in json.loads(content)["predicate"]["source"]
    assert decode_statement(content) == prebuilt
    with pytest.raises(MalformedEvidenceError, match="has a commit"):
        encode_statement(replace(EVIDENCE_OF_HELLO, prebuilt=True))
    for value in (False, "true", 1):
        data = json.loads(content)
        data["predicate"]["prebuilt"] = value
        with pytest.raises(MalformedEvidenceError, match="no text as 'commit'"):
            decode_statement(json.dumps(data).encode())
