"""Evidence beside images in a real registry without the referrers API: Debian's."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.own_image import EMPTY, OwnImage, repository_name
from tests.own_registry import own_registry
from tests.unit.evidence.examples import BUILD, EVIDENCE_OF_HELLO, MALLORY, NOW, trusted
from tests.unit.evidence.test_sbom_statement import document
from towpath.adapters.evidence import referrers
from towpath.adapters.evidence.referrers import index_tag, put_bundle, read_bundles
from towpath.adapters.evidence.release_evidence import attach_release, prove_release
from towpath.adapters.evidence.sbom_evidence import attach_sbom, prove_sbom
from towpath.adapters.registries.oci import MANIFEST_TYPE, digest_of
from towpath.config import App, parse_config
from towpath.engine.verify.sbom_steps import sbom_steps
from towpath.errors import EvidenceError, TerminalError, TransientError, UnknownNameError
from towpath.evidence.bundle import BUNDLE_TYPE
from towpath.evidence.statement import RELEASE_TYPE, Image
from towpath.evidence.verification import find_release
from towpath.release.model import one_image

pytestmark = pytest.mark.integration
OTHER_TYPE = "https://slsa.dev/provenance/v1"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}}
    with own_registry(folder, storage=storage) as address:
        yield address


@pytest.fixture
def image(registry: str, request: pytest.FixtureRequest) -> OwnImage:
    return OwnImage(f"{registry}/{repository_name(request.node.name)}")


def test_evidence_is_found_and_verified(image: OwnImage) -> None:
    image.put(image.evidence())
    found = find_release(image.read(), trusted(), image.asked(), NOW)
    assert found.evidence.source == EVIDENCE_OF_HELLO.source
    assert found.fingerprint == BUILD.public.fingerprint


def test_each_image_of_a_release_is_proven(image: OwnImage) -> None:
    second = OwnImage(f"{image.name}-worker")
    images = (Image(image.name, image.digest), Image(second.name, second.digest))
    evidence = replace(EVIDENCE_OF_HELLO, images=images)
    first = attach_release(evidence, BUILD)
    assert attach_release(evidence, BUILD) == first
    for each, other in ((image, second), (second, image)):
        asked = replace(each.asked(), beside=(other.digest,))
        assert prove_release(each.name, asked, trusted(), NOW).evidence == evidence
        with pytest.raises(EvidenceError, match="the evidence is about"):
            prove_release(each.name, each.asked(), trusted(), NOW)


def test_a_bill_of_materials_of_any_size_lies_beside_the_evidence(image: OwnImage) -> None:
    image.put(image.evidence())
    about = Image(image.name, image.digest)
    assert prove_sbom(about, trusted(), ("build",), NOW) is None
    small, large = document(), document("2026-11-21T11:30:00Z", parts=130_000)
    first = attach_sbom(about, small, BUILD)
    assert attach_sbom(about, small, BUILD) == first, "the same again changes nothing"
    attach_sbom(about, large, BUILD)
    found = prove_sbom(about, trusted(), ("build",), NOW)
    assert found
    assert found.document == large
    assert len(image.read()) == 1, "it is no release evidence"
    with pytest.raises(EvidenceError, match="key"):
        prove_sbom(about, trusted(), ("prod",), NOW)


def test_verify_tells_of_each_bill_of_materials_and_asks_the_apps_own_repositories_only(
    image: OwnImage,
) -> None:
    def app(name: str) -> App:
        text = f"apiVersion: towpath.dev/v2\napps: {{hello: {{image: {name}}}}}\n"
        return parse_config(f"{text}environments: [{{name: dev, namespace: dev}}]\n").app("hello")

    def steps(name: str = image.name) -> list[str]:
        named = one_image("hello", "127.0.0.1:1/elsewhere", image.digest)
        return [f"{each.standing} {each.detail}" for each in sbom_steps(trusted(), app(name), named)]

    about = Image(image.name, image.digest)
    assert steps() == ["unknown no bill of materials is attached to the image"]
    attach_sbom(about, document(), MALLORY)
    assert steps()[0].startswith("unknown none of the 1 keys")
    attach_sbom(about, document(), BUILD)
    assert steps() == ["proven 1 part, CycloneDX 1.6"]
    assert "does not answer" in steps("127.0.0.1:1/hello")[0]


def test_what_cannot_be_read_is_told_beside_what_is_missing(image: OwnImage) -> None:
    image.list(entry_of(image.push({"annotations": {"a": "b"}})))
    with pytest.raises(EvidenceError, match=r"no release evidence .* \(1 could not be read: "):
        prove_release(image.name, image.asked(), trusted(), NOW)


def test_the_artifact_is_as_cosign_writes_it(image: OwnImage) -> None:
    digest = image.put(image.evidence())
    (entry,) = image.index()["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (digest, BUNDLE_TYPE)
    answer = image.repository.manifest(digest)
    assert answer
    manifest = json.loads(answer[0])
    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == (BUNDLE_TYPE, EMPTY["mediaType"])
    assert manifest["subject"]["digest"] == image.digest
    assert manifest["annotations"] == entry["annotations"] == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": RELEASE_TYPE,
    }  # fmt: skip


def test_the_same_again_changes_nothing(image: OwnImage) -> None:
    first = image.put(image.evidence())
    before = image.repository.manifest(index_tag(image.digest))
    assert image.put(image.evidence()) == first
    assert image.repository.manifest(index_tag(image.digest)) == before
    assert len(image.read()) == 1


def test_an_image_without_evidence_has_none(image: OwnImage) -> None:
    assert image.read() == ()
    with pytest.raises(EvidenceError, match="there is no release evidence"):
        find_release(image.read(), trusted(), image.asked(), NOW)


def test_evidence_never_names_an_image_that_is_not_there(image: OwnImage) -> None:
    with pytest.raises(UnknownNameError, match="unknown image"):
        put_bundle(image.name, "sha256:" + "0" * 64, image.evidence(), RELEASE_TYPE)


def test_evidence_of_another_image_is_not_read_there(image: OwnImage) -> None:
    other = OwnImage(image.name)
    other.digest = other.push({"created": "other"})
    moved = image.put(image.evidence())
    (entry,) = image.index()["manifests"]
    other.list(entry)
    found = read_bundles(other.name, other.digest, RELEASE_TYPE)
    assert found.bundles == ()
    assert found.problems == (f"{image.repository.image.name}@{moved[:19]} is attached to another image",)


def test_what_others_wrote_stays(image: OwnImage) -> None:
    signature = image.push({"artifactType": "application/vnd.example.sig", "subject": EMPTY})
    entry = {"mediaType": MANIFEST_TYPE, "digest": signature, "size": 1, "data": "e30=", "x-vendor": {"a": 1}}
    image.list(entry, annotations={"vendor": "x"})
    image.put(image.evidence())
    index = image.index()
    assert index["annotations"] == {"vendor": "x"}
    assert index["manifests"][0] == entry
    assert len(index["manifests"]) == 2


def test_statements_of_another_type_are_not_read(image: OwnImage) -> None:
    other, ours = image.evidence(app="other"), image.evidence()
    image.put(other, OTHER_TYPE)
    image.put(ours)
    assert (image.read(), image.read(OTHER_TYPE)) == ((ours,), (other,))


def test_several_builders_lose_nothing_of_each_other(image: OwnImage) -> None:
    written = [image.evidence(app=f"app-{number}") for number in range(8)]
    errors: list[Exception] = []

    def put(content: bytes) -> None:
        try:
            put_bundle(image.name, image.digest, content, RELEASE_TYPE)
        except TransientError as error:
            errors.append(error)

    threads = [threading.Thread(target=put, args=(each,)) for each in written]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(image.read()) == sorted(written)


def test_what_another_writer_lost_is_put_back(image: OwnImage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tool read the list before us, and writes it after us, without our entry."""
    wake = referrers.time.sleep
    lost = iter([True])

    def overwritten(seconds: float) -> None:
        if next(lost, False):
            image.list({"mediaType": MANIFEST_TYPE, "digest": image.digest, "size": 1})
        wake(seconds)

    monkeypatch.setattr(referrers.time, "sleep", overwritten)
    image.put(image.evidence())
    assert image.index()["manifests"][0]["digest"] == image.digest
    assert image.read() == (image.evidence(),)


def entry_of(digest: Any, **more: Any) -> dict[str, Any]:
    return {"mediaType": MANIFEST_TYPE, "artifactType": BUNDLE_TYPE, "digest": digest, "size": 1, **more}


def test_junk_beside_the_evidence_hides_nothing(image: OwnImage) -> None:
    image.put(image.evidence())
    (good,) = image.index()["manifests"]
    subject = {"subject": {"mediaType": MANIFEST_TYPE, "digest": image.digest, "size": 1}}
    layer = {"mediaType": BUNDLE_TYPE, "digest": digest_of(b"{}"), "size": 2}
    junk = [
        image.push(subject),
        image.push({**subject, "layers": [layer, layer]}),
        image.push({**subject, "layers": []}),
        image.push({"layers": [layer]}),
        image.push({"layers": [layer], "subject": {**subject["subject"], "digest": layer["digest"]}}),
    ]
    image.list(*map(entry_of, junk), good, good)
    found = read_bundles(image.name, image.digest, RELEASE_TYPE)
    assert found.bundles == (image.evidence(),)
    assert len(found.problems) == len(junk)


def test_too_many_are_not_read(image: OwnImage) -> None:
    junk = [image.push({"annotations": {"number": str(number)}}) for number in range(51)]
    image.list(*map(entry_of, junk))
    with pytest.raises(EvidenceError, match="more than 50 statements") as caught:
        image.read()
    assert "who may push" in (caught.value.remedy or "")


def test_a_deleted_statement_stops_no_new_one(image: OwnImage) -> None:
    kept, deleted = image.put(image.evidence()), image.put(image.evidence(app="other"))
    urllib.request.urlopen(
        urllib.request.Request(f"{image.repository.base}manifests/{deleted}", method="DELETE"), timeout=5
    )
    new = image.put(image.evidence(app="new"))
    assert [each["digest"] for each in image.index()["manifests"]] == [kept, new]


def test_another_thing_at_the_lists_tag_is_told(image: OwnImage) -> None:
    answer = image.repository.manifest(image.digest)
    assert answer
    image.repository.put_manifest(index_tag(image.digest), answer[0])
    for ask in (image.read, lambda: image.put(image.evidence())):
        with pytest.raises(TerminalError, match="is no index") as caught:
            ask()
        assert "Delete it" in (caught.value.remedy or "")
    assert image.repository.manifest(index_tag(image.digest)) == answer


def test_a_registry_that_is_down_is_transient() -> None:
    with pytest.raises(TransientError, match="does not answer"):
        read_bundles("127.0.0.1:1/hello", "sha256:" + "0" * 64, RELEASE_TYPE)


def test_evidence_by_others_convinces_nobody(image: OwnImage) -> None:
    image.put(image.evidence(key=MALLORY))
    with pytest.raises(EvidenceError, match="none of the 1 keys"):
        find_release(image.read(), trusted(), image.asked(), NOW)
