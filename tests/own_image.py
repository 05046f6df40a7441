"""An image in a registry, and its evidence, as tests attach and read it."""

import json
from typing import Any

from tests.unit.evidence.examples import bundle
from towpath.adapters.evidence.referrers import index_tag, put_bundle, read_bundles
from towpath.adapters.registries.oci import INDEX_TYPE, MANIFEST_TYPE, Repository, digest_of
from towpath.evidence.statement import RELEASE_TYPE, Image
from towpath.evidence.verification import AskedRelease
from towpath.release.image_ref import parse_image

EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}


def repository_name(test: str) -> str:
    """A repository's name for a test's."""
    name = "".join(char if char.isalnum() else "-" for char in test.lower())
    return "-".join(filter(None, name.split("-")))[-80:].strip("-")


class OwnImage:
    """An image in a repository of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.repository = Repository(parse_image(name), push=True)
        self.digest = self.push({"created": name})

    def push(self, more: dict[str, Any]) -> str:
        """Another manifest, by its digest."""
        self.repository.put_blob(b"{}")
        body = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": EMPTY, "layers": [EMPTY], **more}
        content = json.dumps(body).encode()
        self.repository.put_manifest(digest_of(content), content)
        return digest_of(content)

    def evidence(self, **changes: Any) -> bytes:
        return bundle(**{"images": (Image(self.name, self.digest),), **changes})

    def put(self, content: bytes, predicate_type: str = RELEASE_TYPE) -> str:
        return put_bundle(self.name, self.digest, content, predicate_type)

    def read(self, predicate_type: str = RELEASE_TYPE) -> tuple[bytes, ...]:
        return read_bundles(self.name, self.digest, predicate_type).bundles

    def asked(self) -> AskedRelease:
        return AskedRelease("hello", self.digest, ("build",))

    def index(self) -> dict[str, Any]:
        answer = self.repository.manifest(index_tag(self.digest))
        assert answer
        assert answer[1] == INDEX_TYPE
        content: dict[str, Any] = json.loads(answer[0])
        return content

    def list(self, *entries: Any, **more: Any) -> None:
        """Write the index, as anybody can who may push."""
        content = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(entries), **more}
        self.repository.put_manifest(index_tag(self.digest), json.dumps(content).encode(), INDEX_TYPE)
