"""A chart is fetched with the charts that it needs, in the versions of Chart.lock."""

from collections.abc import Iterator

import pytest

from tests.chart_server import ChartServer, chart_archive, chart_server, push_chart
from tests.own_registry import own_registry
from towpath.adapters.registries.oci import digest_of
from towpath.adapters.vendor import charts
from towpath.adapters.vendor.chart_sources import ChartPlaces, HttpChart, OciChart
from towpath.adapters.vendor.charts import FetchedChart, fetch_chart
from towpath.errors import RefusedError, TerminalError, TransientError, UnknownNameError
from towpath.release.image_ref import parse_image
from towpath.vendor.lock import LockedDependency


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with chart_server() as one:
        yield one


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def fetch(server: ChartServer, name: str, version: str, *hosts: str, **options: object) -> FetchedChart:
    places = ChartPlaces()
    place = places.http(server.url, name, hosts)
    return fetch_chart(place, version, places, hosts=hosts, name=name, **options)  # type: ignore[arg-type]


def needs(name: str, version: str, repository: str) -> dict[str, str]:
    return {"name": name, "version": version, "repository": repository}


def test_what_the_lock_names_is_fetched_and_what_that_needs(server: ChartServer) -> None:
    server.chart("common", "1.0.0")
    server.chart("redis", "1.2.0", dependencies=[needs("common", "1.x", server.url)])
    redis = server.chart("redis", "1.3.0", dependencies=[needs("common", "1.x", server.url)])
    server.chart("redis", "1.4.0")
    wanted, locked = needs("redis", "^1.2", server.url), needs("redis", "1.3.0", server.url)
    archive = server.chart("shop", "2.0.0", dependencies=[wanted], lock=[locked])
    chart = fetch(server, "shop", "2.0.0")
    assert {"Chart.yaml", "charts/redis/Chart.yaml", "charts/redis/charts/common/Chart.yaml"} <= set(
        chart.tree
    )
    assert b"1.3.0" in chart.tree["charts/redis/Chart.yaml"]
    assert chart.archive == digest_of(archive)
    assert [(each.path, each.version) for each in chart.dependencies] == [
        ("charts/redis", "1.3.0"),
        ("charts/redis/charts/common", "1.0.0"),
    ]
    assert chart.dependencies[0].archive == digest_of(redis)


def test_without_a_lock_the_newest_is_taken_and_later_the_same(server: ChartServer) -> None:
    server.chart("redis", "1.3.0")
    server.chart("shop", "2.0.0", dependencies=[needs("redis", "^1.2", server.url)])
    before = fetch(server, "shop", "2.0.0")
    server.chart("redis", "1.4.0")
    locked = {each.path: each for each in before.dependencies}
    assert fetch(server, "shop", "2.0.0", locked=locked).tree == before.tree
    assert fetch(server, "shop", "2.0.0").dependencies[0].version == "1.4.0"
    server.chart("redis", "1.3.0", files={"x": b"changed"})
    with pytest.raises(RefusedError, match=r"dependency redis 1.3.0.* other content under the same version"):
        fetch(server, "shop", "2.0.0", locked=locked)
    other = {"charts/redis": LockedDependency("charts/redis", "elsewhere", "1.3.0", "x")}
    assert fetch(server, "shop", "2.0.0", locked=other).dependencies[0].version == "1.4.0"


@pytest.mark.parametrize(
    "repository", ["", "file://../redis", "@stable", "alias:stable", "/srv/charts", "http://x y"]
)
def test_what_the_archive_brings_is_taken_wherever_it_is_from(server: ChartServer, repository: str) -> None:
    inside = {f"charts/redis-{1}.tgz": chart_archive("redis", "1.3.0")}
    server.chart("shop", "1.0.0", dependencies=[needs("redis", "*", repository)], files=inside)
    chart = fetch(server, "shop", "1.0.0")
    assert "charts/redis/Chart.yaml" in chart.tree
    assert "charts/redis-1.tgz" not in chart.tree
    assert chart.dependencies == ()
    server.chart("shop", "1.0.1", dependencies=[needs("redis", "*", repository)])
    with pytest.raises(RefusedError, match="not in its archive"):
        fetch(server, "shop", "1.0.1")


@pytest.mark.parametrize(
    "repository",
    [
        "https://evil.example",
        "oci://evil.example/charts",
        "https://169.254.169.254/x",
        "http://evil.example",
        "oci://u:p@x.io/y",
    ],
)
def test_a_dependency_on_another_host_is_refused(server: ChartServer, repository: str) -> None:
    server.chart("shop", "1.0.0", dependencies=[needs("redis", "*", repository)])
    with pytest.raises(RefusedError):
        fetch(server, "shop", "1.0.0")


def test_a_dependency_on_another_port_of_the_host_is_asked_only_where_the_port_is_named(
    server: ChartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_LOGIN_127_0_0_1", "bob:hunter2hunter2")
    with chart_server() as other:
        other.chart("redis", "1.0.0")
        server.chart("shop", "1.0.0", dependencies=[needs("redis", "*", other.url)])
        place = other.url.removeprefix("http://")
        for hosts in ([], ["127.0.0.1"], ["127.0.0.1:80"], [f"localhost:{place.partition(':')[2]}"]):
            with pytest.raises(RefusedError, match=f"is on another host, {place}; refused"):
                fetch(server, "shop", "1.0.0", *hosts)
        assert other.asked == other.logins == []
        assert "charts/redis/Chart.yaml" in fetch(server, "shop", "1.0.0", place).tree


@pytest.mark.parametrize(
    ("chart", "repository", "hosts"),
    [
        ("reg.example/shop", "oci://reg.example:8443/charts", ()),
        ("reg.example:8443/shop", "oci://reg.example/charts", ()),
        ("reg.example:8443/shop", "oci://reg.example:9443/charts", ("reg.example",)),
        ("reg.example/shop", "https://reg.example:8443/charts", ("reg.example:9443",)),
        ("reg.example/shop", "oci://other.example:5000/charts", ("other.example",)),
        ("reg.example/shop", "oci://reg.example:99999/charts", ("reg.example",)),
        ("127.0.0.1:5000/shop", "oci://127.0.0.1:5001/charts", ("127.0.0.1",)),
    ],
)
def test_another_port_of_a_registry_is_another_place(
    chart: str, repository: str, hosts: tuple[str, ...]
) -> None:
    place = Archived(chart, chart_archive("shop", "1.0.0", dependencies=[needs("redis", "*", repository)]))
    with pytest.raises(RefusedError, match=r"is on another host|port that cannot be"):
        fetch_chart(place, "1.0.0", ChartPlaces(), hosts=hosts)


@pytest.mark.parametrize(
    ("chart", "repository", "hosts"),
    [
        ("reg.example/shop", "oci://reg.example:443/charts", ()),
        ("reg.example/shop", "https://reg.example/charts", ()),
        ("reg.example:8443/shop", "https://REG.example:8443/charts", ()),
        ("reg.example/shop", "https://other.example:443/charts", ("Other.example",)),
        ("reg.example/shop", "https://other.example/charts", ("other.example:443",)),
        ("reg.example/shop", "oci://other.example:8443/charts", ("other.example:8443",)),
    ],
)
def test_the_same_place_is_asked_however_its_port_is_written(
    chart: str, repository: str, hosts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = TransientError("it was asked")

    def ask(_: object) -> frozenset[str]:
        raise asked

    monkeypatch.setattr(HttpChart, "versions", ask)
    monkeypatch.setattr(OciChart, "versions", ask)
    place = Archived(chart, chart_archive("shop", "1.0.0", dependencies=[needs("redis", "*", repository)]))
    with pytest.raises(TransientError, match="it was asked"):
        fetch_chart(place, "1.0.0", ChartPlaces(), hosts=hosts)


class Archived:
    """A chart of a registry whose archive is here."""

    def __init__(self, image: str, archive: bytes) -> None:
        self._chart, self._archive = ChartPlaces().oci(parse_image(image)), archive
        self.source, self.origin = self._chart.source, self._chart.origin

    def versions(self) -> frozenset[str]:
        return frozenset(["1.0.0"])

    def digest(self, _: str) -> str:
        return digest_of(self._archive)

    def fetch(self, _: str) -> bytes:
        return self._archive


def test_charts_without_end_are_refused(server: ChartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.chart("a", "1.0.0", dependencies=[needs("b", "*", server.url)])
    server.chart("b", "1.0.0", dependencies=[needs("a", "*", server.url)])
    with pytest.raises(RefusedError, match="nested deeper"):
        fetch(server, "a", "1.0.0")
    monkeypatch.setattr(charts, "MAX_DEPENDENCIES", 1)
    server.chart("c", "1.0.0")
    server.chart("d", "1.0.0", dependencies=[needs("c", "*", server.url), needs("b", "*", server.url)])
    with pytest.raises(RefusedError, match="needs more than"):
        fetch(server, "d", "1.0.0")


@pytest.mark.parametrize(("name", "version"), [("other", "1.0.0"), ("shop", "1.0.1"), ("shop", "v9")])
def test_another_chart_than_the_index_says_is_refused(server: ChartServer, name: str, version: str) -> None:
    server.add(chart_archive(name, version), "shop", "1.0.0")
    with pytest.raises(RefusedError, match="the archive has the chart"):
        fetch(server, "shop", "1.0.0")


def test_an_archive_that_is_not_as_the_index_says_is_refused(server: ChartServer) -> None:
    server.add(chart_archive("shop", "1.0.0"), "shop", "1.0.0", digest="a" * 64)
    with pytest.raises(RefusedError, match=r"the index of .* says sha256:aaaa"):
        fetch(server, "shop", "1.0.0")
    server.add(chart_archive("shop", "1.0.0"), "shop", "1.0.0", digest="")
    assert fetch(server, "shop", "1.0.0").archive == digest_of(chart_archive("shop", "1.0.0"))


def test_an_archive_elsewhere_is_fetched_where_its_host_is_named(server: ChartServer) -> None:
    with chart_server() as other:
        other.files["/x.tgz"] = archive = chart_archive("shop", "1.0.0")
        server.add(archive, "shop", "1.0.0", url=f"{other.url}/x.tgz")
        with pytest.raises(RefusedError, match="leads to another host"):
            fetch(server, "shop", "1.0.0")
        assert fetch(server, "shop", "1.0.0", other.url.removeprefix("http://")).archive == digest_of(archive)
    for place in ("file:///etc/passwd", "ftp://x/y", "http://[/"):
        server.add(archive, "shop", "1.0.0", url=place)
        with pytest.raises(TerminalError):
            fetch(server, "shop", "1.0.0")


def test_an_unknown_version_is_told_with_those_that_are_there(server: ChartServer) -> None:
    server.chart("shop", "1.0.0")
    with pytest.raises(UnknownNameError, match=r"unknown version '1.0.1'"):
        fetch(server, "shop", "1.0.1")


def test_a_repository_that_does_not_answer_may_later() -> None:
    places = ChartPlaces()
    with pytest.raises(TransientError):
        places.http("http://127.0.0.1:1", "shop", ()).versions()


def test_a_chart_of_a_real_registry(registry: str) -> None:
    push_chart(f"{registry}/charts/redis", "1.3.0", chart_archive("redis", "1.3.0"))
    needed = [needs("redis", "^1", f"oci://{registry}/charts")]
    archive = chart_archive("shop", "1.0.0+build.5", dependencies=needed)
    push_chart(f"{registry}/charts/shop", "1.0.0+build.5", archive)
    places = ChartPlaces()
    place = places.oci(parse_image(f"{registry}/charts/shop"))
    assert place.versions() == {"1.0.0+build.5"}
    assert place.digest("1.0.0+build.5") == digest_of(archive)
    chart = fetch_chart(place, "1.0.0+build.5", places)
    assert "charts/redis/Chart.yaml" in chart.tree
    assert chart.dependencies[0].source == f"oci://{registry}/charts/redis"
    with pytest.raises(UnknownNameError):
        place.fetch("9.0.0")
    with pytest.raises(UnknownNameError):
        places.oci(parse_image(f"{registry}/charts/none")).versions()
