"""The newest image of a registry in which others put odd ones."""

import json
from http.server import BaseHTTPRequestHandler

import pytest

from tests.unit.adapters.registries.test_oci import Answer, server
from towpath.adapters.registries.image_finder import ImageFinder
from towpath.adapters.registries.oci import MANIFEST_TYPE, digest_of
from towpath.config import ImageWatch

LABEL = "org.example.number"


def images(labels: dict[str, str]) -> dict[str, Answer]:
    """Answers of a registry with an image of each tag, by the last two parts of a path."""
    found: dict[str, Answer] = {"tags/list": (200, {}, json.dumps({"tags": [*labels]}).encode())}
    for tag, value in labels.items():
        config = json.dumps({"config": {"Labels": {LABEL: value}}}).encode()
        manifest = json.dumps({"config": {"digest": digest_of(config)}, "tag": tag}).encode()
        answer = 200, {"Content-Type": MANIFEST_TYPE}, manifest
        found |= {f"manifests/{tag}": answer, f"manifests/{digest_of(manifest)}": answer}
        found[f"blobs/{digest_of(config)}"] = 200, {}, config
    return found


@pytest.mark.parametrize("odd", ["9" * 5000, "z" * 100_000])
def test_a_label_that_is_too_long_is_none(odd: str) -> None:
    answers = images({"a": "1", "b": "2", "c": odd})

    def answer(request: BaseHTTPRequestHandler) -> Answer:
        return answers[request.path.removeprefix("/v2/hello/").partition("?")[0]]

    with server(answer) as address:
        assert ImageFinder(f"{address}/hello").newest(ImageWatch(newest=LABEL)).tag == "b"
