"""What an agent refuses before anything is read or changed."""

import pytest

from towpath.orchestration.execution.flow_child import LARGEST_PARAMETERS, refuse, wrong_parameters
from towpath.orchestration.installed_flows import SHOWS, installed_flow


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


def test_a_canary_is_no_run_of_a_work_pool_and_what_answers_it_runs_nothing_else() -> None:
    asked = {"environment": "dev", "pod": "a"}
    assert "no flow of another name" in str(refuse("canary", asked, "dev"))
    assert refuse("canary", asked, "dev", SHOWS) is None
    assert "nothing for another environment" in str(refuse("canary", asked, "prod", SHOWS))
    assert "runs canary, and no flow of another name" in str(refuse("promote", asked, "dev", SHOWS))


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"environment": "dev"}, None),
        ({"environment": "dev", "apps": ["a", "b"], "deep": True}, None),
        ({"environment": "dev", "apps": "a"}, "apps"),
        ({"environment": "dev", "deep": "perhaps"}, "deep"),
        ({"environment": {"$ref": "blocks"}}, "environment"),
        ({"environment": "dev", "command": "rm"}, "unexpected keyword argument"),
        ({}, "missing a required argument"),
    ],
)
def test_parameters_of_the_wrong_name_or_type_are_named(
    parameters: dict[str, object], why: str | None
) -> None:
    for _ in range(2):  # what checks them is made once
        wrong = wrong_parameters(installed_flow("reconcile"), parameters)
        assert (wrong is None) == (why is None)
        assert (why or "") in (wrong or "")
        assert wrong is None or wrong.startswith("the parameters are not those of reconcile: ")
