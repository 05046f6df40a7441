"""Environments come in the order of the list, or as `after` says: all or any, at once or one by one."""

import pytest

from towpath.config import Config, parse_config
from towpath.errors import ConfigError

HEAD = "apiVersion: towpath.dev/v2\nenvironments:\n"
DIAMOND = """\
  - {name: dev, namespace: dev}
  - {name: staging, namespace: staging, after: [dev]}
  - {name: prod-us, namespace: us, after: [staging]}
  - {name: prod-eu, namespace: eu, after: [staging]}
  - {name: global, namespace: global, after: [prod-eu, prod-us]}
"""


def config(text: str, apps: str = "") -> Config:
    return parse_config(HEAD + text + apps)


def followers(found: Config, name: str, app: str = "") -> list[str]:
    return [each.name for each in found.followers(name, app)]


def test_a_list_is_its_own_order() -> None:
    found = config(
        "  - {name: dev, namespace: a}\n  - {name: prod, namespace: b}\n  - {name: last, namespace: c}\n"
    )
    assert found.needs("prod") == (("dev",),)
    assert (followers(found, "dev"), followers(found, "last")) == (["prod"], [])
    named = config(
        "  - {name: dev, namespace: a}\n  - {name: qa, namespace: b}\n"
        "  - {name: prod, namespace: c, gate: {verifiedIn: dev}}\n"
    )
    assert named.needs("prod") == (("dev",),)
    assert followers(named, "qa") == ["prod"]


def test_releases_fan_out_and_in() -> None:
    found = config(DIAMOND)
    assert followers(found, "staging") == ["prod-us", "prod-eu"]
    assert found.needs("global") == (("prod-eu",), ("prod-us",))
    assert followers(found, "prod-eu") == ["global"]
    assert found.needs("dev") == ()


def test_they_are_listed_in_the_order_of_the_graph_and_those_beside_each_other_as_in_the_file() -> None:
    last, *others = reversed(DIAMOND.splitlines(keepends=True))
    found = config(last + "".join(others))
    assert [each.name for each in found.ordered] == ["dev", "staging", "prod-eu", "prod-us", "global"]
    assert found.after("global") == (("prod-eu",), ("prod-us",))
    assert found.after("dev") == ()
    listed = config("  - {name: dev, namespace: a}\n  - {name: prod, namespace: b}\n")
    assert listed.ordered == listed.environments
    assert listed.after("prod") == ()


def test_any_of_several_is_enough() -> None:
    found = config(DIAMOND.replace("[prod-eu, prod-us]", "{any: [prod-eu, prod-us]}"))
    assert found.needs("global") == (("prod-eu", "prod-us"),)


def test_one_after_the_other_is_in_the_order_of_the_file() -> None:
    found = config(DIAMOND.replace("after: [dev]", "after: [dev], rollout: sequential"))
    assert found.needs("prod-us") == (("staging",),)
    assert found.needs("prod-eu") == (("staging",), ("prod-us",))
    assert followers(found, "prod-us") == ["prod-eu", "global"]
    turned = config(
        "  - {name: b, namespace: b, after: [a, c]}\n  - {name: c, namespace: c, after: [a]}\n"
        "  - {name: a, namespace: a, rollout: sequential}\n"
    )
    assert turned.needs("b") == (("a",), ("c",)), (
        "what comes after another follows it, wherever it is written"
    )
    assert turned.needs("c") == (("a",),)


def test_an_app_passes_environments_by_where_it_is_not() -> None:
    apps = (
        "apps:\n  shop: {environments: [dev, prod-eu, global]}\n  late: {environments: [prod-eu, prod-us]}\n"
    )
    found = config(DIAMOND, apps)
    assert found.needs("prod-eu", "shop") == (("dev",),)
    assert found.needs("global", "shop") == (("prod-eu",), ("dev",))
    assert followers(found, "dev", "shop") == ["prod-eu", "global"]
    assert [each.name for each in found.first_environments("late")] == ["prod-us", "prod-eu"]
    either = config(DIAMOND.replace("[prod-eu, prod-us]", "{any: [prod-eu, prod-us]}"), apps)
    assert either.needs("global", "shop") == (("prod-eu", "dev"),)


def test_an_environment_passed_by_that_asks_nothing_opens_no_way_past_the_others() -> None:
    more = (
        DIAMOND.replace("[prod-eu, prod-us]", "{any: [other, prod-us]}") + "  - {name: other, namespace: o}\n"
    )
    found = config(more, "apps: {shop: {environments: [dev, prod-us, global]}}\n")
    assert found.needs("global", "shop") == (("prod-us",),)


def test_in_a_circle_of_two_orders_nothing_is_passed_by() -> None:
    apps = "apps: {shop: {environments: [dev, global]}, other: {environments: [prod-us, prod-eu]}}\n"
    found = config(DIAMOND, apps)
    turned = found.with_needs(
        {
            "dev": (),
            "staging": (("prod-us",),),
            "prod-us": (("staging",),),
            "prod-eu": (("prod-us",),),
            "global": (("prod-us",),),
        }
    )
    assert turned.needs("global", "shop") == (("prod-us",),)
    assert turned.first_environments("other")[0].name == "prod-us"


def test_what_comes_after_nothing_comes_first() -> None:
    more = DIAMOND.replace("after: [dev]", "after: [dev, other]") + "  - {name: other, namespace: o}\n"
    found = config(more, "apps: {shop: {}}\n")
    assert [each.name for each in found.first_environments("shop")] == ["dev", "other"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "after: [dev]",
            "after: [dv]",
            "towpath.yaml:4: after: there is no environment `dv`; did you mean `dev`?",
        ),
        ("after: [dev]", "after: [dev, dev]", "towpath.yaml:4: after: `dev` is there twice"),
        ("after: [dev]", "after: [staging]", "towpath.yaml:4: after: staging -> staging is a circle"),
        (
            "after: [dev]",
            "after: {any: [global]}",
            "towpath.yaml:4: after: staging -> global -> prod-",
        ),
        ("after: [dev]", "after: []", "must name environments"),
        ("after: [dev]", "after: {all: [dev], any: [dev]}", "must name environments"),
        ("after: [dev]", "after: {some: [dev]}", "towpath.yaml:4: unknown key `some`"),
        (
            "after: [dev]",
            "after: [dev], gate: {verifiedIn: dev}",
            "towpath.yaml:4: verifiedIn of `staging`: `after`",
        ),
        ("name: global", "name: dev", "towpath.yaml:7: environment `dev` is there twice"),
    ],
)
def test_what_is_no_order_is_refused_with_its_line(before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config(DIAMOND.replace(before, after, 1))
    assert said in str(raised.value)


def test_two_roots_of_one_name_are_refused_with_the_line_of_the_second() -> None:
    roots = "  - {name: dev, namespace: a}\n  - {name: dev, namespace: b}\n"
    with pytest.raises(ConfigError) as raised:
        config(f"{roots}  - {{name: prod, namespace: p, after: [dev]}}\n")
    assert [str(each) for each in raised.value.problems] == [
        "towpath.yaml:4: environment `dev` is there twice"
    ]


def test_rollout_is_for_a_graph() -> None:
    with pytest.raises(ConfigError, match=r"towpath.yaml:3: rollout of `dev`: it is for what has `after`"):
        config("  - {name: dev, namespace: dev, rollout: sequential}\n")
