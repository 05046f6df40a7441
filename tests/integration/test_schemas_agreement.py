"""The API server's verdicts, asked again: recorded ones must not be out of date."""

import pytest

from tests.agreement.__main__ import ask
from tests.agreement.compared import recorded
from tests.agreement.objects import broken_samples, valid_samples
from tests.agreement.server import Server
from tests.integration.running import RunningStack

pytestmark = pytest.mark.integration


def test_a_server_still_says_what_is_recorded(stack: RunningStack) -> None:
    samples = [*valid_samples()[::5], *broken_samples()[::5]]
    verdicts = ask(Server(stack.settings.kubeconfig), samples)
    expected = recorded()
    assert [key for key, reason in verdicts.items() if bool(reason) != bool(expected[key])] == []
