"""An environment repository with one app, whose chart is vendored from a server of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.chart_server import ChartServer
from tests.unit.adapters.git.repositories import run
from towpath.engine.vendor.resolve import Resolver

CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  shop: {renderer: helm, images: {}}
environments:
- {name: dev, namespace: dev, drift: report}
"""


class Vendored:
    """The folder of a person, and the repository that it was cloned from."""

    def __init__(self, folder: Path, server: ChartServer) -> None:
        self.folder, self.server = folder, server
        self.root, self.bare, self.cache = folder / "work", folder / "environments.git", folder / "cache"
        (self.root / "apps/shop/dev").mkdir(parents=True)
        (self.root / "apps/shop/dev/values.yaml").write_text("{}\n")
        (self.root / "towpath.yaml").write_text(CONFIG)
        run("init", "-q", "-b", "main", cwd=self.root)

    def declare(self, *entries: str) -> None:
        """Write `vendor.yaml`; `URL` is the server's address."""
        lines = [f"- {each}\n" for each in entries]
        text = "apiVersion: towpath.dev/v2\nvendor:\n" + "".join(lines)
        (self.root / "vendor.yaml").write_text(text.replace("URL", self.server.url))

    def chart(self, version: str = "^1", more: str = "") -> str:
        return (
            "{name: shop, path: apps/shop/base, chart: {repository: URL, name: shop},"
            f" version: '{version}'{more}}}"
        )

    def publish(self) -> None:
        """Commit all, and make it the repository that agents read."""
        run("add", "-A", cwd=self.root)
        run("commit", "-q", "-m", "Vendor", cwd=self.root)
        shutil.rmtree(self.bare, ignore_errors=True)
        run("clone", "-q", "--bare", str(self.root), str(self.bare), cwd=self.folder)

    @property
    def resolver(self) -> Resolver:
        return Resolver(self.cache, allow_file=True)

    def files(self, folder: str = "") -> dict[str, bytes]:
        """All files but Git's own."""
        top = self.root / folder
        return {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in top.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(top).parts
        }

    @property
    def version(self) -> str:
        """What the chart in the folder says."""
        text = (self.root / "apps/shop/base/Chart.yaml").read_text()
        return text.rpartition("version: ")[2].strip()


def git_repository(folder: Path, files: dict[str, str], *tags: str) -> str:
    """A foreign repository with one commit; its URL."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if not (folder / ".git").exists():
        run("init", "-q", "-b", "main", cwd=folder)
    run("add", "-A", cwd=folder)
    run("commit", "-q", "--allow-empty", "-m", "Base", cwd=folder)
    for tag in tags:
        run("tag", "-f", tag, cwd=folder)
    return folder.as_uri()


def killed(command: list[str], environ: dict[str, str]) -> int:
    """Run a program that ends itself; its exit code."""
    return subprocess.run(command, env=os.environ | environ, check=False, capture_output=True).returncode
