"""The registry of these tests is what the test says."""

from pathlib import Path

import pytest

from tests.unit.engine.gates.bench import Bench
from towpath.adapters.evidence import release_evidence
from towpath.adapters.evidence.referrers import FoundBundles


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)

    def read_bundles(_image: str, digest: str, _type: str) -> FoundBundles:
        return FoundBundles(tuple(made.bundles.get(digest, ())))

    monkeypatch.setattr(release_evidence, "read_bundles", read_bundles)
    return made
