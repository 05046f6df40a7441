"""What an agent refuses before anything is read or changed."""

import pytest

from towpath.orchestration.execution.flow_child import LARGEST_PARAMETERS, refuse


@pytest.mark.parametrize(
    ("flow", "parameters", "environment", "why"),
    [
        ("promote", {"environment": "prod", "app": "a", "digest": "b"}, "prod", None),
        ("reconcile", {"environment": "prod"}, "prod", None),
        ("rollback", {"environment": "prod", "app": "a"}, "prod", None),
        ("deliver", {"app": "a", "revision": "main"}, None, None),
        ("rollback", {"environment": "prod", "app": "a"}, "dev", "nothing for another environment"),
        ("reconcile", {}, "dev", "nothing for another environment"),
        ("reconcile", {"environment": ["dev"]}, "dev", "nothing for another environment"),
        ("reconcile", {"environment": "Dev"}, "dev", "nothing for another environment"),
        ("deliver", {"environment": "dev"}, "dev", "no flow of another name"),
        (
            "promote",
            {"environment": "dev"},
            None,
            "the build agent runs deliver, and no flow",
        ),
        ("steal", {"environment": "dev"}, "dev", "no flow of another name"),
        ("../flows/promote", {"environment": "dev"}, "dev", "no flow of another name"),
        ("deliver", {"app": "a" * LARGEST_PARAMETERS}, None, "bytes"),
    ],
)
def test_only_installed_flows_and_the_own_environment(
    flow: str, parameters: dict[str, object], environment: str | None, why: str | None
) -> None:
    refusal = refuse(flow, parameters, environment)
    assert (refusal is None) == (why is None)
    assert (why or "") in (refusal or "")
