"""Keys that a model does not know are named with their place."""

import pytest

from towpath.config import Config
from towpath.formats.key_tree import key_tree, unknown_keys
from towpath.release.model import EnvironmentRelease


def test_a_model_gives_its_keys_as_the_file_has_them() -> None:
    tree = key_tree(Config)
    assert {"apiVersion", "apps", "environments", "people", "scan", "healthCheckExprs"} == set(tree)
    assert {"image", "images", "source", "smoke"} <= set(tree["apps"]["*"])
    assert {"required", "from", "groups", "kind", "expires"} == set(
        tree["environments"]["*"]["gate"]["approvals"]
    )
    assert tree["environments"]["*"]["timeout"] == {}
    assert set(key_tree(EnvironmentRelease)["release"]["scan"]) >= {"status", "findings", "os"}


@pytest.mark.parametrize(
    ("data", "unknown"),
    [
        ({"budget": 1}, ["budget"]),
        ({"environments": [{"name": "dev", "canary": {"a": 1}}]}, ["environments[0].canary"]),
        ({"environments": [{}, {"gate": {"windows": []}}]}, ["environments[1].gate.windows"]),
        ({"apps": {"x": {"images": {"web": "r/x"}, "colour": 1}}}, ["apps.x.colour"]),
        ({"apps": {"x": {"source": {"repository": "..", "sign": True}}}}, ["apps.x.source.sign"]),
        ({"environments": [{"extras": {"Role": "prune", "any": "key"}}]}, []),
        ({"environments": [{"timeout": {"soft": "1m"}}]}, []),
        ({"environments": "all", "apps": [1]}, []),
        ([], []),
        (None, []),
    ],
)
def test_unknown_keys_are_named(data: object, unknown: list[str]) -> None:
    assert list(unknown_keys(data, key_tree(Config))) == unknown
