"""`watch` of an image: which tags it looks at and in which order; what is wrong in it has file and line."""

import time

import pytest

from towpath.config import ImageWatch, parse_config
from towpath.errors import ConfigError

HEAD = """\
apiVersion: towpath.dev/v2
environments: [{name: dev, namespace: dev}]
apps:
  shop:
    images:
      web:
        repository: r.example.com/web
        watch: """


@pytest.mark.parametrize(
    ("watch", "tags", "best", "matching"),
    [
        (ImageWatch(glob="main-*"), ["main-9", "main-10", "dev-11"], "main-10", 2),
        (ImageWatch(regex=r"v\d+"), ["v9", "v10", "v10-rc", "xv11"], "v10", 2),
        (ImageWatch(regex="a|b-2"), ["a", "b-1", "b-2", "a-3"], "b-2", 2),
        (ImageWatch(semver="^1.4"), ["v1.9.0", "1.10.0", "2.0.0", "1.11.0-rc.1", "latest"], "1.10.0", 2),
        (ImageWatch(semver=">=1.0.0-0"), ["1.0.0-rc.2", "1.0.0-rc.10"], "1.0.0-rc.10", 2),
        (ImageWatch(newest="x"), ["a", "b"], "b", 2),
        (ImageWatch(glob="none-*"), ["a"], None, 0),
        (ImageWatch(glob="*"), ["a", "sha256-" + "a" * 64, f"sha256-{'b' * 64}.sig", "c.towpath"], "a", 1),
    ],
)
def test_the_last_tag_in_its_order_is_the_newest(
    watch: ImageWatch, tags: list[str], best: str | None, matching: int
) -> None:
    found, number = watch.best(tags, 1)
    assert (found[:1], number) == ([best] if best else [], matching)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{regex: '('}", "watch.regex: is no regular expression: unclosed group"),
        ("{regex: '(?=a)b'}", "watch.regex: is no regular expression: look-around"),
        ("{semver: 'newest'}", "watch.semver: must be a version such as 1.2.3, or a range"),
        ("{semver: '^1', newest: x}", "watch: `newest` does not go with `semver`"),
        ("{glob: a, regex: b}", "watch: must have only one of `glob` and `regex`"),
        ("{}", "watch: must have `glob`, `regex`, `semver` or `newest`"),
        ("{glob: a, poll: 1s}", "watch.poll: must be at least 10s"),
        ("{tag: a}", "unknown key `tag` in apps.shop.images.web.watch"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(HEAD + text + "\n")
    assert "towpath.yaml:8: " in str(caught.value)
    assert said in str(caught.value)


def test_an_image_may_be_its_repository_alone_and_is_told_as_that() -> None:
    short = HEAD.partition("\n        repository")[0]
    app = parse_config(f"{short} r.example.com/web\n").app("shop")
    assert (app.images, app.watched) == ({"web": "r.example.com/web"}, {})
    with pytest.raises(ConfigError, match=r"towpath\.yaml:6: apps\.shop\.images\.web: must be REGISTRY/REPO"):
        parse_config(f"{short} r.example.com/web:1\n")


@pytest.mark.parametrize("watch", [ImageWatch(regex="(a+)+b"), ImageWatch(glob="*a*a*a*a*a*a*a*a*a*b")])
def test_a_pattern_takes_no_longer_than_its_tags(watch: ImageWatch) -> None:
    began = time.process_time()
    assert watch.best(["a" * 128] * 1000, 1) == ([], 0)
    assert time.process_time() - began < 5
