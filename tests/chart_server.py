"""Charts as archives, and a real HTTP server that serves them as a chart repository."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

from towpath.adapters.registries.oci import MANIFEST_TYPE, Repository, digest_of
from towpath.release.image_ref import parse_image

LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONFIG_MAP = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-%s\ndata: {version: %s}\n"
)


def tar_gz(files: Mapping[str, bytes], *special: tarfile.TarInfo) -> bytes:
    """An archive of these files, and of entries that are none."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in special:
            archive.addfile(info)
    return gzip.compress(raw.getvalue(), mtime=0)


def chart_files(
    name: str,
    version: str,
    *,
    dependencies: list[dict[str, str]] | None = None,
    lock: list[dict[str, str]] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The files of a chart, below no folder."""
    chart: dict[str, Any] = {"apiVersion": "v2", "name": name, "version": version}
    if dependencies:
        chart["dependencies"] = dependencies
    found = {
        "Chart.yaml": yaml.safe_dump(chart).encode(),
        "values.yaml": b"{}\n",
        "templates/map.yaml": (CONFIG_MAP % (name, f'"{version}"')).encode(),
        **(files or {}),
    }
    if lock is not None:
        found["Chart.lock"] = yaml.safe_dump(
            {"dependencies": lock, "generated": "2026-11-29T12:00:00Z"}
        ).encode()
    return found


def chart_archive(name: str, version: str, **options: Any) -> bytes:
    """The archive of a chart, as `helm package` makes it."""
    return tar_gz(
        {f"{name}/{path}": content for path, content in chart_files(name, version, **options).items()}
    )


@dataclass
class ChartServer:
    """Files by path; `login` (user:password) is wanted for all of them, if it is set."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    login: str = ""
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(
        self, archive: bytes, name: str, version: str, *, digest: str | None = None, url: str = ""
    ) -> None:
        """Serve an archive, in place of an earlier one of that version, and write the index anew."""
        path = f"/{name}-{version}.tgz"
        self.files[path] = archive
        listed = [each for each in self.entries.setdefault(name, []) if each["version"] != version]
        said = hashlib.sha256(archive).hexdigest() if digest is None else digest
        entry = {
            "apiVersion": "v2",
            "name": name,
            "version": version,
            "urls": [url or path.removeprefix("/")],
        }
        self.entries[name] = [*listed, entry | ({"digest": said} if said else {})]
        index = {"apiVersion": "v1", "entries": self.entries, "generated": "2026-11-29T12:00:00Z"}
        self.files["/index.yaml"] = yaml.safe_dump(index).encode()

    def chart(self, name: str, version: str, **options: Any) -> bytes:
        """Make a chart and serve it."""
        archive = chart_archive(name, version, **options)
        self.add(archive, name, version)
        return archive


@contextmanager
def chart_server() -> Iterator[ChartServer]:
    """A chart repository on a free port of this machine."""
    served = ChartServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(self.path)
            served.logins.append(self.headers.get("Authorization", ""))
            if served.login and served.logins[-1] != _basic(served.login):
                self._answer(401, b"", {})
            elif self.path in served.redirects:
                self._answer(302, b"", {"Location": served.redirects[self.path]})
            elif self.path in served.files:
                self._answer(200, served.files[self.path], {})
            else:
                self._answer(404, b"", {})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def push_chart(image: str, version: str, archive: bytes) -> None:
    """Push a chart to a registry, as `helm push` does."""
    repository = Repository(parse_image(image), push=True)
    config = json.dumps({"name": image.rpartition("/")[2], "version": version}).encode()
    for blob in (config, archive):
        repository.put_blob(blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(archive), "size": len(archive)}],
    }
    repository.put_manifest(version.replace("+", "_"), json.dumps(manifest).encode())


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"
