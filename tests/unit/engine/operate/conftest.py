"""What other tests of this process made known as secret is none here: it would be masked."""

import pytest

from towpath import redact
from towpath.redact.known_values import KnownValues


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_known", KnownValues())
