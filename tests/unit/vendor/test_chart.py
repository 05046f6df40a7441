"""What a chart needs, as Chart.yaml and Chart.lock say it."""

import pytest

from tests.chart_server import chart_files
from towpath.errors import ConfigError, RefusedError
from towpath.vendor.chart import MAX_DEPENDENCIES, Dependency, chart_info

REDIS = {"name": "redis", "repository": "https://e.com", "version": "^1.2"}


def test_the_lock_says_the_version() -> None:
    locked = [{"name": "redis", "repository": "https://e.com/", "version": "1.3.0"}]
    files = chart_files("shop", "2.0.0", dependencies=[REDIS], lock=locked)
    info = chart_info(files, "", "it")
    assert (info.name, info.version) == ("shop", "2.0.0")
    assert info.dependencies == (Dependency("redis", "https://e.com", "^1.2", "1.3.0"),)
    below = {f"charts/shop/{path}": content for path, content in files.items()}
    assert chart_info(below, "charts/shop/", "it") == info


def test_charts_of_helm_2_name_them_elsewhere() -> None:
    files = chart_files(
        "shop", "2.0.0", files={"requirements.yaml": b"dependencies:\n- {name: redis, version: 1.x}\n"}
    )
    assert chart_info(files, "", "it").dependencies == (Dependency("redis", "", "1.x"),)


@pytest.mark.parametrize(
    "locked",
    [
        {"name": "redis", "repository": "https://e.com", "version": "2.0.0"},
        {"name": "redis", "repository": "https://evil.example", "version": "1.3.0"},
        {"name": "redis", "repository": "https://e.com", "version": "newest"},
    ],
)
def test_a_lock_that_is_out_of_date_is_refused(locked: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match=r"Chart.lock has redis"):
        chart_info(chart_files("shop", "2.0.0", dependencies=[REDIS], lock=[locked]), "", "it")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]\n",
        b"name: x\n",
        b"name: 1\nversion: 1.0.0\n",
        b"name: ../x\nversion: 1.0.0\n",
        b"name: a/b\nversion: 1.0.0\n",
    ],
)
def test_what_is_no_chart_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError, match="it"):
        chart_info({"Chart.yaml": content}, "", "it")
    with pytest.raises(RefusedError, match=r"no Chart\.yaml"):
        chart_info({}, "", "it")


@pytest.mark.parametrize("content", [b"a: 1\na: 2\n", b"a: [\n", b"a: &x [1]\nb: " + b"[" * 60])
def test_what_is_no_yaml_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigError):
        chart_info({"Chart.yaml": content}, "", "it")


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".git"])
def test_a_dependency_cannot_lead_out(name: str) -> None:
    with pytest.raises(RefusedError):
        chart_info(chart_files("shop", "1.0.0", dependencies=[{**REDIS, "name": name}]), "", "it")


def test_too_many_are_refused() -> None:
    needed = [{**REDIS, "name": f"r{index}"} for index in range(MAX_DEPENDENCIES + 1)]
    with pytest.raises(RefusedError, match="more than"):
        chart_info(chart_files("shop", "1.0.0", dependencies=needed), "", "it")
