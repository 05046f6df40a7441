"""Records of Helm: read within limits, and no path, text or size of them does harm."""

import gzip
from typing import Any

import pytest
import yaml

from tests.unit.foreign.helm_records import content, encoded, entries, record
from towpath.errors import ConfigError, TooLargeError
from towpath.foreign.helm_release import MAX_BYTES, HelmRelease, Hook, credentials, read_release

FILE = "Secret shop/x"


def read(data: Any) -> HelmRelease:
    return read_release(record(data), FILE)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_chart_values_and_hooks() -> None:
    hook = {"kind": "Job", "name": "m\x1b[2J", "path": "memory/templates/j.yaml", "events": ["pre-install"]}
    found = read(content(hooks=[hook]))
    assert found.name == "cache"
    assert found.values == {"a": 2}
    assert set(found.chart) == {
        *("Chart.yaml", "values.yaml", "values.schema.json"),
        *("templates/map.yaml", "README.md", ".helmignore"),
    }
    assert yaml.safe_load(found.chart["Chart.yaml"])["version"] == "1.2.3"
    assert yaml.safe_load(found.chart["values.yaml"]) == {"a": 1, "off": "off"}
    assert found.chart["README.md"] == b"# Memory\n"
    assert found.hooks == (Hook("Job", "m?[2J", "memory/templates/j.yaml", ("pre-install",)),)


def test_a_record_of_before_gzip_and_one_without_values() -> None:
    import json

    found = read(json.dumps(content(config=None, chart={"values": None, "schema": None})).encode())
    assert found.values == {}
    assert found.chart["values.yaml"] == b"{}\n"
    assert "values.schema.json" not in found.chart


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x1f\x8b\x08broken", "is no gzip"),
        (gzip.compress(b'{"chart": {}}', mtime=0)[:-9], "is cut off"),
        (b"no JSON", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[]", "has no chart"),
        (b'{"chart": 1}', "has no chart"),
        (b'{"chart": {"templates": [{"name": "templates/x", "data": "%"}]}}', "is not base64"),
        (b'{"chart": {"templates": ["x"]}}', "leads elsewhere"),
        (b'{"chart": {"values": {"a": NaN}}}', "cannot be written as YAML"),
    ],
)
def test_what_is_no_release_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        read(data)
    assert str(error.value).startswith(FILE)


@pytest.mark.parametrize("value", [None, 7, "%%%", encoded("%%%")])
def test_a_secret_of_another_kind(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"no record of Helm|not base64 twice"):
        read_release({"data": {"release": value}}, FILE)


def test_a_record_that_unpacks_to_too_much() -> None:
    for packed in (gzip.compress(b" " * (MAX_BYTES + 1)), b" " * (MAX_BYTES + 1)):
        with pytest.raises(TooLargeError, match="unpacks to more than 16 MiB"):
            read(packed)


@pytest.mark.parametrize("value", [[[]] * 100_001, {"a": {str(n): n for n in range(100_001)}}, nested(91)])
def test_values_that_are_too_many_or_too_deep(value: Any) -> None:
    for changes in ({"config": {"a": value}}, {"chart": {"values": {"a": value}}}):
        with pytest.raises(TooLargeError, match=r"more than 100,000 values, or are nested"):
            read(content(**changes))
    assert read(content(config=nested(89))).values


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "templates/../../x", "/etc/passwd", "", ".", "a//b", "a\\..\\b", "a\nb", "a\x1b[2J"),
        *(".git/hooks/pre-commit", "templates/.GIT /config", "x" * 300, "\ud800"),
    ],
)
def test_paths_that_lead_elsewhere(name: str) -> None:
    for key in ("templates", "files"):
        with pytest.raises(ConfigError, match="its chart has the file") as error:
            read(content(chart={key: entries({name: "x"})}))
        assert all(each.isprintable() for each in str(error.value))


def test_a_file_that_is_a_folder_too_and_too_many_files() -> None:
    for names in (("a", "a/b"), ("values.yaml/x",)):
        with pytest.raises(ConfigError, match="as a file and as a folder"):
            read(content(chart={"files": entries(dict.fromkeys(names, "x"))}))
    with pytest.raises(TooLargeError, match="more than 2,000 files"):
        read(content(chart={"files": entries({f"f{number}": "" for number in range(2_001)})}))


def test_files_that_helm_makes_itself_and_subcharts_are_left_out() -> None:
    found = read(content(chart={"files": entries({"Chart.yaml": "name: other\n", "charts/a/x": "x"})}))
    assert yaml.safe_load(found.chart["Chart.yaml"])["name"] == "memory"
    assert "charts/a/x" not in found.chart


def test_values_that_look_like_credentials_are_named() -> None:
    values = {"auth": {"password": "x", "existingSecret": ""}, "users": [{"apiToken": "y"}], "port": 1}
    assert list(credentials(values)) == [("auth.password", "x"), ("users[0].apiToken", "y")]
