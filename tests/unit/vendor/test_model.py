"""`vendor.yaml` is strict, and names file and line."""

import pytest

from towpath.errors import ConfigError
from towpath.vendor.model import MAX_ENTRIES, parse_vendor_file, vendor_schema

HEAD = "apiVersion: towpath.dev/v2\nvendor:\n"
GOOD = (
    HEAD
    + """\
- name: podinfo
  path: apps/podinfo/base
  chart: {repository: https://charts.example.com/podinfo/, name: podinfo}
  version: ^6.7
- {name: redis, path: vendor/redis, oci: oci://127.0.0.1:5000/charts/redis, version: 1.2.3}
- name: argo
  path: vendor/argo
  git: {repository: "git@example.com:argo/argo.git", folder: ha, revision: main}
- name: crds
  path: vendor/crds
  git: {repository: https://example.com/x.git}
  version: ">=1 <2"
  include: ["*.yaml"]
"""
)


def test_entries_are_read() -> None:
    entries = parse_vendor_file(GOOD).vendor
    assert [each.source for each in entries] == [
        "https://charts.example.com/podinfo podinfo",
        "oci://127.0.0.1:5000/charts/redis",
        "git@example.com:argo/argo.git ha",
        "https://example.com/x.git",
    ]
    assert parse_vendor_file("apiVersion: towpath.dev/v2\nvendor: # none yet\n").vendor == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: A, path: x, oci: r.io/x, version: 1}", "lower-case letters"),
        ("{name: a, path: ../x, oci: r.io/x, version: '1'}", "a path inside of the repository"),
        ("{name: a, path: /x, oci: r.io/x, version: '1'}", "a path inside of the repository"),
        ("{name: a, path: x/.git/hooks, oci: r.io/x, version: '1'}", "in a folder of Git"),
        ("{name: a, path: .GIT, oci: r.io/x, version: '1'}", "in a folder of Git"),
        ("{name: a, path: apps/shop, oci: r.io/x, version: '1'}", "must be a folder such as"),
        ("{name: a, path: apps, oci: r.io/x, version: '1'}", "must be a folder such as"),
        ("{name: a, path: pauses/x, oci: r.io/x, version: '1'}", "must be a folder such as"),
        ("{name: a, path: verified/dev, oci: r.io/x, version: '1'}", "must be a folder such as"),
        ("{name: a, path: x/, oci: r.io/x, version: '1'}", "must be a folder such as"),
        ("{name: a, path: x, oci: r.io/x}", "must have `version`"),
        ("{name: a, path: x, version: '1'}", "exactly one of"),
        (
            "{name: a, path: x, oci: r.io/x, git: {repository: 'https://e.com/x'}, version: '1'}",
            "exactly one of",
        ),
        ("{name: a, path: x, git: {repository: 'https://e.com/x'}}", "one of both"),
        (
            "{name: a, path: x, git: {repository: 'https://e.com/x', revision: main}, version: '1'}",
            "one of both",
        ),
        ("{name: a, path: x, git: {repository: 'https://e.com/x', revision: '-x'}}", "revision"),
        (
            "{name: a, path: x, git: {repository: 'https://e.com/x', folder: ../y, revision: m}}",
            "inside of the",
        ),
        ("{name: a, path: x, oci: 'r.io/x:1', version: '1'}", "without a tag"),
        ("{name: a, path: x, oci: 'r.io/x', version: newest}", "must be a version such as 1.2.3"),
        ("{name: a, path: x, oci: 'r.io/x', version: '1', colour: red}", "unknown key `colour`"),
        (
            "{name: a, path: x, chart: {repository: 'file:///srv', name: x}, version: '1'}",
            "begins with https://",
        ),
        ("{name: a, path: x, chart: {repository: 'https://e.com', name: ../x}, version: '1'}", "name"),
        ("{name: a, path: x, oci: r.io/x, version: '1', hosts: ['http://x']}", "hosts"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(entry: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_vendor_file(f"{HEAD}# one\n- {entry}\n")
    assert str(caught.value).startswith("vendor.yaml:4: ")


@pytest.mark.parametrize(
    "source",
    [
        "chart: {repository: 'https://bob:hunter2hunter2@e.com', name: x}, version: '1'",
        "chart: {repository: 'https://hunter2hunter2@e.com', name: x}, version: '1'",
        "chart: {repository: 'https://e.com/?token=hunter2hunter2', name: x}, version: '1'",
        "git: {repository: 'https://hunter2hunter2@e.com/x.git', revision: main}",
        "git: {repository: 'ssh://git:hunter2hunter2@e.com/x.git', revision: main}",
        "oci: 'bob:hunter2hunter2@r.io/x', version: '1'",
        "chart: {repository: 'http//hunter2hunter2', name: x}, version: '1'",
    ],
)
def test_credentials_are_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_vendor_file(f"{HEAD}- {{name: a, path: x, {source}}}\n")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("x", "x"), "overlap"),
        (("x/y", "x"), "overlap"),
        (("x", "X/y"), "overlap"),
    ],
)
def test_entries_that_share_a_folder_are_refused(paths: tuple[str, str], said: str) -> None:
    text = HEAD + "".join(
        f"- {{name: a{index}, path: {path}, oci: r.io/x, version: '1'}}\n" for index, path in enumerate(paths)
    )
    with pytest.raises(ConfigError, match=said) as caught:
        parse_vendor_file(text)
    assert "vendor.yaml:4: vendor[1].path" in str(caught.value)


def test_a_name_may_not_be_there_twice() -> None:
    text = HEAD + "".join(f"- {{name: a, path: {path}, oci: r.io/x, version: '1'}}\n" for path in "xy")
    with pytest.raises(ConfigError, match=r"vendor\[1\].name: a is there twice"):
        parse_vendor_file(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vendor: []\n", "must be a mapping that begins with"),
        ("[]\n", "must be a mapping that begins with"),
        ("apiVersion: towpath.dev/v1\nvendor: []\n", "has no vendor.yaml"),
        (
            "apiVersion: towpath.dev/v3\nvendor: []\nmirror: {}\n",
            "Upgrade Towpath|is written for towpath.dev/v3",
        ),
        ("apiVersion: v2\nvendor: []\n", "must be `towpath.dev/v2`"),
    ],
)
def test_another_version_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_vendor_file(text)


def test_too_many_entries_are_refused() -> None:
    entries = "".join(
        f"- {{name: a{index}, path: v/{index}, oci: r.io/x, version: '1'}}\n"
        for index in range(MAX_ENTRIES + 1)
    )
    with pytest.raises(ConfigError, match=f"at most {MAX_ENTRIES}"):
        parse_vendor_file(HEAD + entries)


def test_the_schema_knows_every_key() -> None:
    schema = vendor_schema()
    assert schema["properties"]["apiVersion"] == {"const": "towpath.dev/v2"}
    keys = set(schema["$defs"]["VendorEntry"]["properties"])
    assert keys == {"name", "path", "chart", "oci", "git", "version", "include", "hosts"}
