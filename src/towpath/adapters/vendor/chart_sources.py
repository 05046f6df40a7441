"""Where charts are: a repository that is served over HTTP, or one of an OCI registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin

from towpath.adapters.http import origin_of
from towpath.adapters.registries.oci import Repository, digest_of, list_in, object_of
from towpath.adapters.vendor.archive import MAX_ARCHIVE
from towpath.adapters.vendor.chart_index import MAX_INDEX, ChartVersion, chart_versions
from towpath.adapters.vendor.download import Downloads, Origin
from towpath.errors import RefusedError, TerminalError, UnknownNameError
from towpath.release.image_ref import ImageReference, check_digest

MAX_TAGS = 50_000
_LAYERS = ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip")


class ChartPlace(Protocol):
    """One chart in all its versions."""

    @property
    def source(self) -> str:
        """Where it is, in one text."""

    @property
    def origin(self) -> Origin:
        """Scheme, host and port. ValueError for a port that cannot be."""

    def versions(self) -> frozenset[str]:
        """All versions that are there."""

    def digest(self, version: str) -> str:
        """The digest of a version's archive as it is there now."""

    def fetch(self, version: str) -> bytes:
        """A version's archive, its digest checked where one is told."""


@dataclass(slots=True)
class HttpChart:
    """A chart of a repository with an index."""

    repository: str
    name: str
    downloads: Downloads
    index: Callable[[], bytes]
    _found: Mapping[str, ChartVersion] | None = None

    @property
    def source(self) -> str:
        return f"{self.repository.rstrip('/')} {self.name}"

    @property
    def origin(self) -> Origin:
        return origin_of(self.repository)

    def versions(self) -> frozenset[str]:
        return frozenset(self._versions())

    def digest(self, version: str) -> str:
        return self._one(version).digest or digest_of(self.fetch(version))

    def fetch(self, version: str) -> bytes:
        found = self._one(version)
        what = f"chart {self.name} {version}"
        if not found.urls:
            raise TerminalError(f"{what}: {self.repository} does not say where it is")
        try:
            url = urljoin(f"{self.repository.rstrip('/')}/", found.urls[0])
        except ValueError as error:
            raise TerminalError(f"{what}: {self.repository} has no URL for it") from error
        archive = self.downloads.get(url, MAX_ARCHIVE, what)
        if found.digest and digest_of(archive) != found.digest:
            raise RefusedError(
                f"{what}: the archive has the digest {digest_of(archive)}, and the index of"
                f" {self.repository} says {found.digest[:80]}",
                remedy="Nothing of it was used. Ask who keeps the repository.",
            )
        return archive

    def _one(self, version: str) -> ChartVersion:
        try:
            return self._versions()[version]
        except KeyError:
            raise UnknownNameError(
                "version", version, self._versions(), where=f"{self.repository} of chart {self.name}"
            ) from None

    def _versions(self) -> Mapping[str, ChartVersion]:
        if self._found is None:
            where = f"{self.repository.rstrip('/')}/index.yaml"
            self._found = chart_versions(self.index(), self.name, where)
        return self._found


@dataclass(slots=True)
class OciChart:
    """A chart in a registry; its versions are tags, in which `_` stands for `+`."""

    image: ImageReference
    repository: Repository
    _found: frozenset[str] | None = None

    @property
    def source(self) -> str:
        return f"oci://{self.image.name}"

    @property
    def origin(self) -> Origin:
        return origin_of(f"{'http' if self.image.is_loopback else 'https'}://{self.image.registry}")

    def versions(self) -> frozenset[str]:
        if self._found is None:
            found: set[str] = set()
            for tag in self.repository.tags():
                if not isinstance(tag, str) or len(found) >= MAX_TAGS:
                    raise TerminalError(
                        f"{self.source} has more than {MAX_TAGS:,} tags, or some that are no text"
                    )
                found.add(tag.replace("_", "+"))
            if not found:
                raise UnknownNameError(
                    "chart", self.image.repository, where=f"registry {self.image.registry}"
                )
            self._found = frozenset(found)
        return self._found

    def digest(self, version: str) -> str:
        answer = self.repository.manifest(self.image.with_tag(version.replace("+", "_")).selector)
        if answer is None:
            raise UnknownNameError("version", version, where=self.source)
        listed = list_in(object_of(answer[0], self.source), "layers")
        layers = [
            str(each.get("digest"))
            for each in listed
            if isinstance(each, dict) and each.get("mediaType") in _LAYERS
        ]
        if len(layers) != 1:
            raise TerminalError(f"{self.source}:{version} is no chart, but another artifact")
        return check_digest(layers[0])

    def fetch(self, version: str) -> bytes:
        return self.repository.blob(self.digest(version), MAX_ARCHIVE)


class ChartPlaces:
    """Finds charts; the index of a repository is fetched once."""

    def __init__(self) -> None:
        self._indexes: dict[str, bytes] = {}

    def http(self, repository: str, name: str, hosts: tuple[str, ...]) -> HttpChart:
        """A chart of a repository that may lead to `hosts`. RefusedError for a URL that is not allowed."""
        downloads, address = Downloads(repository, hosts), f"{repository.rstrip('/')}/index.yaml"

        def index() -> bytes:
            if address not in self._indexes:
                self._indexes[address] = downloads.get(address, MAX_INDEX, "the index of charts")
            return self._indexes[address]

        return HttpChart(repository, name, downloads, index)

    def oci(self, image: ImageReference) -> OciChart:
        """A chart in a registry."""
        return OciChart(image, Repository(image))
