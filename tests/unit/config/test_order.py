"""`dependsOn` names other apps, once each, and never in a circle."""

import pytest

from towpath.config import parse_config
from towpath.config.order import find_circle
from towpath.errors import ConfigError

HEAD = "apiVersion: towpath.dev/v2\nenvironments: [{name: dev, namespace: dev}]\napps:\n"


def test_apps_depend_on_apps() -> None:
    config = parse_config(HEAD + "  web: {dependsOn: [db, cache]}\n  db:\n  cache: {dependsOn: [db]}\n")
    assert config.app("web").depends_on == ("db", "cache")
    assert config.app("db").depends_on == ()


@pytest.mark.parametrize(
    ("apps", "said"),
    [
        ("  web:\n    dependsOn:\n      - dbs\n  db:\n",
         "towpath.yaml:6: apps.web.dependsOn: there is no app `dbs`; did you mean `db`?"),
        ("  web:\n    dependsOn: [db,\n      db]\n  db:\n",
         "towpath.yaml:6: apps.web.dependsOn: `db` is there twice"),
        ("  web:\n    dependsOn: [web]\n",
         "towpath.yaml:5: apps.web.dependsOn: web -> web is a circle: nothing of it could be first"),
        ("  web:\n    dependsOn:\n      - db\n  db: {dependsOn: [cache]}\n  cache: {dependsOn: [web]}\n",
         "towpath.yaml:6: apps.web.dependsOn: web -> db -> cache -> web is a circle"),
        ("  a: {dependsOn: [b]}\n  b: {dependsOn: [c]}\n  c: {dependsOn: [b]}\n",
         "towpath.yaml:5: apps.b.dependsOn: b -> c -> b is a circle"),
        ("  web: {dependsOn: db}\n  db:\n", "towpath.yaml:4: apps.web.dependsOn: must be a valid array"),
    ],
    ids=["unknown", "twice", "itself", "three", "not-the-first", "no-list"],
)  # fmt: skip
def test_what_no_order_can_be_made_of_is_refused_with_its_line(apps: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(HEAD + apps)
    assert said in str(raised.value)


def test_files_of_the_first_version_have_no_order_between_apps() -> None:
    text = HEAD.replace("v2", "v1") + "  web: {image: r.example.com/web, dependsOn: []}\n"
    with pytest.raises(ConfigError, match=r"towpath.yaml:4: `dependsOn` is known since towpath.dev/v2"):
        parse_config(text)


def test_a_circle_is_found_wherever_the_search_begins() -> None:
    assert find_circle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) == ()
    assert find_circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ("b", "c", "b")
    assert find_circle({"a": ["unknown"]}) == ()
    long = {str(number): [str(number + 1)] for number in range(5000)}
    assert find_circle(long) == ()
    assert len(find_circle(long | {"5000": ["0"]})) == 5002
