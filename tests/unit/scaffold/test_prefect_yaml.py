"""prefect.yaml is a function of towpath.yaml."""

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from towpath.config import load_config, parse_config
from towpath.scaffold.prefect_yaml import build_prefect_yaml, dump_prefect_yaml, prefect_yaml_problems

ROOT = Path(__file__).parents[3]
CONFIG = parse_config(
    "apiVersion: towpath.dev/v2\nenvironments: [{name: test, namespace: t}, {name: live, namespace: l}]\n"
)
TEXT = dump_prefect_yaml(build_prefect_yaml(CONFIG))


def test_the_repositorys_own_file_is_for_the_example() -> None:
    assert (ROOT / "prefect.yaml").read_text() == dump_prefect_yaml(
        build_prefect_yaml(load_config(ROOT / "examples/environments"))
    )


def test_the_text_says_what_the_data_says() -> None:
    assert yaml.safe_load(TEXT) == build_prefect_yaml(CONFIG)


def test_each_flow_runs_in_the_pool_that_has_its_credentials() -> None:
    found = {
        f"{each['entrypoint'].rpartition(':')[2]}/{each['name']}": each["work_pool"]["name"]
        for each in build_prefect_yaml(CONFIG)["deployments"]
    }
    assert found == {
        "deliver/deliver": "towpath-build",
        "promote/promote-test": "towpath-test",
        "reconcile/reconcile-test": "towpath-test",
        "rollback/rollback-test": "towpath-test",
        "promote/promote-live": "towpath-live",
        "reconcile/reconcile-live": "towpath-live",
        "rollback/rollback-live": "towpath-live",
    }


def test_entrypoints_are_files_of_this_repository() -> None:
    for each in build_prefect_yaml(CONFIG)["deployments"]:
        path, _, name = each["entrypoint"].partition(":")
        assert f"def {name}(" in (ROOT / path).read_text()


def test_one_reconcile_at_a_time_on_its_schedule() -> None:
    reconciles = [
        each for each in build_prefect_yaml(CONFIG)["deployments"] if "reconcile" in each["entrypoint"]
    ]
    assert [each["concurrency_limit"]["collision_strategy"] for each in reconciles] == ["CANCEL_NEW"] * 2
    dates = [each["schedules"][0]["anchor_date"] for each in reconciles]
    assert len(set(dates)) == 2


def test_the_deep_check_comes_between_two_quick_ones() -> None:
    for each in build_prefect_yaml(CONFIG)["deployments"]:
        for quick, deep in [each["schedules"]] if "schedules" in each else []:
            assert (quick["slug"], deep["slug"], deep["parameters"]) == ("quick", "deep", {"deep": True})
            assert deep["interval"] % quick["interval"] == 0
            apart = datetime.fromisoformat(deep["anchor_date"]) - datetime.fromisoformat(quick["anchor_date"])
            assert apart.total_seconds() % quick["interval"] == quick["interval"] / 2


def test_what_was_written_has_no_differences() -> None:
    assert prefect_yaml_problems(TEXT, CONFIG) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("interval: 180", "interval: 60", None),
        ("description: Make live equal", "description: Hold live equal", None),
        (
            "work_pool: {name: towpath-live}",
            "work_pool: {name: towpath-build}",
            "promote/promote-live: work_pool.name is 'towpath-build', must be 'towpath-live'",
        ),
        ("{environment: live}", "{environment: test}", "promote/promote-live: parameters"),
        ("flows/rollback.py:rollback", "x.py:back", "deployment rollback/rollback-test is missing"),
        ("    schedules:\n", "    other:\n", "deployment reconcile/reconcile-test has no schedule"),
        (
            "    concurrency_limit: *one-at-a-time\n",
            "",
            "reconcile/reconcile-test: concurrency_limit is None",
        ),
    ],
)
def test_differences_that_matter(old: str, new: str, said: str | None) -> None:
    assert old in TEXT
    found = prefect_yaml_problems(TEXT.replace(old, new, 1), CONFIG)
    assert len(found) == (0 if said is None else 1)
    assert said is None or said in found[0]


def test_deployments_of_environments_that_are_gone() -> None:
    fewer = parse_config("apiVersion: towpath.dev/v2\nenvironments: [{name: test, namespace: t}]\n")
    assert sorted(prefect_yaml_problems(TEXT, fewer)) == [
        f"deployment {flow}/{flow}-live is for no environment of towpath.yaml"
        for flow in ("promote", "reconcile", "rollback")
    ]
