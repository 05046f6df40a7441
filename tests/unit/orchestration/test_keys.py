"""Names at the Prefect server: what one side writes, the other finds."""

import pytest

from towpath.orchestration import keys


@pytest.mark.parametrize("flow", [keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK])
@pytest.mark.parametrize("environment", ["dev", "prod-eu", "promote", "promote-dev", "x"])
def test_an_environment_s_deployments_are_told_apart_by_their_names_alone(
    flow: str, environment: str
) -> None:
    name = keys.deployment_name(flow, environment)
    assert keys.deployment(flow, environment) == f"{flow}/{name}"
    assert keys.environment_of(flow, name) == environment
    others = {keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK} - {flow}
    assert name not in {keys.deployment_name(other, environment) for other in others}
    assert keys.environment_of(flow, environment) in ("", environment.removeprefix(f"{flow}-"))


def test_a_delivery_belongs_to_no_environment() -> None:
    assert keys.deployment(keys.DELIVER) == "deliver/deliver"
    assert keys.environment_of(keys.PROMOTE, "deliver") == ""


DIGEST = "sha256:0123456789abcdef" + "0" * 48


def test_runs_have_names_that_say_what_they_do() -> None:
    assert keys.deliver_name("hello", "1a2b3c4") == "deliver hello 1a2b3c4"
    assert keys.promote_name("hello", "1a2b3c4", "prod") == "promote hello 1a2b3c4 to prod"
    assert keys.reconcile_name("prod") == "reconcile prod"
    assert keys.rollback_name("hello", "prod") == "rollback hello in prod"


def test_tags_are_what_people_search_for() -> None:
    assert keys.release_tags("hello", "1a2b3c4", DIGEST) == [
        "app:hello",
        "commit:1a2b3c4",
        "release:0123456789ab",
    ]
    assert keys.environment_tag("prod") == "environment:prod"


def test_a_person_is_found_again_among_tags_and_nobody_where_there_is_none() -> None:
    assert keys.person_of(["app:x", keys.person_tag("alice"), "by:bob"]) == "alice"
    assert keys.person_of(["app:x"]) == keys.person_of([]) == keys.NOBODY


def test_one_run_is_created_for_one_thing() -> None:
    made = {
        keys.deliver_key("a", "c1"),
        keys.deliver_key("a", "c2"),
        keys.deliver_key("b", "c1"),
        keys.again_key(keys.deliver_key("a", "c1"), "r1"),
        keys.again_key(keys.deliver_key("a", "c1"), "r2"),
        keys.promote_key("r1", "dev"),
        keys.promote_key("r1", "prod"),
        keys.promote_key("r2", "dev"),
    }
    assert len(made) == 8


def test_locks_are_of_one_environment_or_of_one_app_in_it() -> None:
    assert keys.lock_name("prod") == "environment-prod"
    assert keys.waiting_lock_name("hello", "prod") == "waiting-prod-hello"


@pytest.mark.parametrize("environment", ["prod", "prod-eu", "dev"])
def test_artifacts_have_keys_that_prefect_takes_and_none_is_another_s(environment: str) -> None:
    made = [
        *(key(environment) for key in (keys.status_key, keys.drift_key, keys.trouble_key, keys.adoption_key)),
        keys.plan_key(environment, "hello"),
        keys.scan_key("hello"),
        keys.release_key("hello"),
    ]
    assert len(set(made)) == len(made)
    assert all(key.replace("-", "").isalnum() and key == key.lower() for key in made)
    assert keys.plan_key("Prod_EU", "a.b") == "plan-prod-eu-a-b"


def test_a_suspension_is_of_one_plan_and_one_turn() -> None:
    first, second = keys.approval_key(DIGEST, 0), keys.approval_key(DIGEST, 1)
    whole = DIGEST.removeprefix("sha256:")
    assert (first, second) == (f"approve-2-{whole}-0", f"approve-2-{whole}-1")
    assert first.startswith(keys.APPROVAL)
    assert keys.verdict_key(first) == f"verdict-approve-2-{whole}-0"
    assert keys.description_key(first) == f"suspended-approve-2-{whole}-0-description"


@pytest.mark.parametrize(
    ("key", "former"),
    [
        (f"suspended-approve-{'a' * 64}-0-response", True),
        (f"suspended-approve-{'2' * 64}-0-response", True),
        ("suspended-approve-cccccccccccc-3-response", True),
        (f"suspended-approve-1-{'a' * 64}-0-response", True),
        (f"suspended-approve-2-{'a' * 64}-0-response", False),
        (f"suspended-approve-{'a' * 64}-0-schema", False),
        (f"verdict-approve-{'a' * 64}-0", False),
        ("suspended-other-response", False),
    ],
)
def test_answers_to_another_version_of_the_form_are_known(key: str, *, former: bool) -> None:
    assert keys.is_former_answer(key) is former
