"""A release of several images in a real registry: its record and its evidence lie beside each image."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.keys import evidence_of, make_keys
from tests.own_image import OwnImage, repository_name
from tests.own_registry import own_registry
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key, read_trusted_keys
from towpath.adapters.registries import registry
from towpath.config import App, parse_config
from towpath.engine.source.release_proof import attest, prove
from towpath.errors import EvidenceError, OtherSubjectError, TerminalError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.formats.versions import V2
from towpath.release.model import Release, ReleaseImage, ScanSummary

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_registry(tmp_path_factory.mktemp("registry")) as made:
        yield made


class Shop:
    """An app of two images in the registry; a release of it is signed and recorded by `build`."""

    def __init__(self, address: str, name: str, folder: Path) -> None:
        self.web, self.worker = (OwnImage(f"{address}/{name}-{which}") for which in ("web", "worker"))
        self.keys: KeyFolder = make_keys(folder)

    @property
    def app(self) -> App:
        named = f"{{web: '{self.web.name}', worker: '{self.worker.name}'}}"
        text = f"apiVersion: towpath.dev/v2\napps: {{shop: {{images: {named}}}}}\n"
        return parse_config(f"{text}environments: [{{name: dev, namespace: dev}}]\n").app("shop")

    @property
    def trusted(self) -> TrustedKeys:
        return read_trusted_keys(self.keys.trusted_file)

    def release(self, web: str, worker: str) -> Release:
        return Release(
            app="shop",
            images=(
                ReleaseImage("web", self.web.name, web),
                ReleaseImage("worker", self.worker.name, worker),
            ),
            commit="",
            source="registry",
            subject="Prebuilt",
            author="dana",
            built_at="2026-11-21T03:00:00+00:00",
            scan=ScanSummary("passed", ("secret",), {}, "0.72", "abc", {}),
            flow_run="run-1",
        )

    def record(self, release: Release) -> Release:
        evidence = replace(evidence_of(release), prebuilt=True)
        made = attest(evidence, self.app, read_private_key(self.keys.private_file("build")))
        registry.put_release(made, V2)
        return made


@pytest.fixture
def shop(address: str, request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return Shop(address, repository_name(request.node.name), tmp_path / "keys")


def test_it_is_found_by_its_id_and_proven_at_each_image(shop: Shop) -> None:
    made = shop.record(shop.release(shop.web.digest, shop.worker.digest))
    for image in (shop.web, shop.worker):
        assert registry.get_release(image.name, made.id) == made
        assert len(image.read()) == 1
    assert prove(shop.trusted, shop.app, made.id).release == made
    assert prove(shop.trusted, shop.app, made.id, made.images).release == made


def test_releases_that_share_an_image_are_told_apart(shop: Shop) -> None:
    first = shop.record(shop.release(shop.web.digest, shop.worker.digest))
    newer = shop.worker.push({"created": "newer"})
    second = shop.record(shop.release(shop.web.digest, newer))
    assert len(shop.web.read()) == 2
    for made in (first, second):
        assert prove(shop.trusted, shop.app, made.id).release == made
    third = shop.release(shop.web.digest, shop.worker.push({"created": "never released"}))
    with pytest.raises(OtherSubjectError, match=r"\(2 were tried\)"):
        prove(shop.trusted, shop.app, third.id, third.images)
    with pytest.raises(EvidenceError, match="there is no record of a release"):
        prove(shop.trusted, shop.app, third.id)


def test_a_record_of_other_images_proves_nothing(shop: Shop) -> None:
    """Whoever writes to the registry puts the record of one release at the id of another."""
    made = shop.record(shop.release(shop.web.digest, shop.worker.digest))
    other = shop.release(shop.web.digest, shop.worker.push({"created": "another"}))
    stored = shop.web.repository.manifest(f"{made.id.replace(':', '-')}.towpath")
    assert stored is not None
    shop.web.repository.put_manifest(f"{other.id.replace(':', '-')}.towpath", stored[0])
    with pytest.raises(TerminalError, match="speaks of"):
        prove(shop.trusted, shop.app, other.id)
