"""The folders of a cluster with pods."""

import os
from dataclasses import dataclass
from pathlib import Path

from towpath.local.common.layout import Layout
from towpath.local.common.stack import Options, Stack
from towpath.settings import Settings

SUBNET = "10.244.76.0/24"
GATEWAY = "10.244.76.1"
REGISTRY = f"{GATEWAY}:5000"
GIT = f"https://{GATEWAY}:8443"


@dataclass(frozen=True)
class PodsLayout:
    """Of a folder whose path is short: Unix sockets are in it."""

    folder: Path

    def stack(self) -> Stack:
        """The parts of the local stack that it consists of. A registry of its own, with TLS, is beside it."""
        settings = Settings.load({**os.environ, "TOWPATH_HOME": str(self.folder)})
        return Stack(Layout(self.folder), Options(subnet=SUBNET, registry=REGISTRY), settings)

    @property
    def images(self) -> Path:
        """A link to the registry's data, which outlives the cluster."""
        return self.folder / "images"

    @property
    def repositories(self) -> Path:
        return self.folder / "git"

    @property
    def volumes(self) -> Path:
        return self.folder / "volumes"

    @property
    def ready(self) -> Path:
        return self.folder / "ready"

    @property
    def registry(self) -> Path:
        return self.folder / "run" / "registry-tls.json"

    @property
    def proxy(self) -> Path:
        return self.folder / "run" / "kube-proxy.json"

    @property
    def corefile(self) -> Path:
        return self.folder / "run" / "Corefile"

    def kubeconfig(self, name: str) -> Path:
        return self.folder / "credentials" / name / "kubeconfig"

    def certificate(self, name: str) -> Path:
        return self.folder / "credentials" / "pki" / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.certificate(name).with_suffix(".key")
