"""A second Kubernetes for tests: etcd, the API server and a few controllers, with its own certificates."""

import base64
import json
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from towpath.local.parts.certificates import Subject, ensure_certificates

HOSTS = ("127.0.0.1", "localhost")
START_SECONDS = 90.0


@dataclass(frozen=True)
class SecondCluster:
    """`kubeconfig` is the admin's, in `folder` beside the certificates."""

    folder: Path
    server: str
    kubeconfig: Path

    def write_kubeconfig(self, name: str, cluster: dict[str, object], user: dict[str, object]) -> Path:
        """A kubeconfig called `name` with one context, `second`."""
        context = {"cluster": "second", "user": "somebody"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "second",
            "contexts": [{"name": "second", "context": context}],
            "clusters": [{"name": "second", "cluster": cluster}],
            "users": [{"name": "somebody", "user": user}],
        }
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    @property
    def trusted(self) -> dict[str, object]:
        """The cluster with its own authority."""
        return {"server": self.server, "certificate-authority-data": _base64(self.folder / "ca.crt")}

    @property
    def admin(self) -> dict[str, object]:
        """The admin's client certificate."""
        return {
            "client-certificate-data": _base64(self.folder / "admin.crt"),
            "client-key-data": _base64(self.folder / "admin.key"),
        }


@contextmanager
def second_cluster(tools: Path, folder: Path) -> Iterator[SecondCluster]:
    """Up within, gone afterwards."""
    folder.mkdir(parents=True)
    subjects = {
        "etcd": Subject("etcd", hosts=HOSTS),
        "etcd-client": Subject("kube-apiserver"),
        "apiserver": Subject("kube-apiserver", hosts=HOSTS),
        "admin": Subject("second-admin", ("system:masters",)),
    }
    ensure_certificates(folder, subjects)
    etcd, peer, api = (f"https://127.0.0.1:{port}" for port in _free_ports(3))
    with ExitStack() as stack:
        stack.enter_context(_running(_etcd(tools, folder, etcd, peer), folder))
        stack.enter_context(_running(_apiserver(tools, folder, etcd, api), folder))
        _wait_ready(api, folder)
        made = SecondCluster(folder, api, folder / "kubeconfig")
        made.write_kubeconfig("kubeconfig", made.trusted, made.admin)
        stack.enter_context(_running(_controllers(tools, made), folder))
        yield made


def _etcd(tools: Path, folder: Path, client: str, peer: str) -> Sequence[str]:
    files = [f"{kind}={folder / name}" for kind, name in (
        ("--cert-file", "etcd.crt"),
        ("--key-file", "etcd.key"),
        ("--trusted-ca-file", "ca.crt"),
        ("--peer-cert-file", "etcd.crt"),
        ("--peer-key-file", "etcd.key"),
        ("--peer-trusted-ca-file", "ca.crt"),
    )]  # fmt: skip
    return [
        str(tools / "etcd"),
        f"--data-dir={folder / 'etcd-data'}",
        "--name=second",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=second={peer}",
        "--client-cert-auth",
        "--unsafe-no-fsync",
        "--log-level=error",
        *files,
    ]


def _apiserver(tools: Path, folder: Path, etcd: str, address: str) -> Sequence[str]:
    return [
        str(tools / "kube-apiserver"),
        "--bind-address=127.0.0.1",
        f"--secure-port={address.rpartition(':')[2]}",
        "--endpoint-reconciler-type=none",
        f"--etcd-servers={etcd}",
        f"--etcd-cafile={folder / 'ca.crt'}",
        f"--etcd-certfile={folder / 'etcd-client.crt'}",
        f"--etcd-keyfile={folder / 'etcd-client.key'}",
        f"--tls-cert-file={folder / 'apiserver.crt'}",
        f"--tls-private-key-file={folder / 'apiserver.key'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'service-accounts.key'}",
        "--service-cluster-ip-range=10.199.0.0/24",
        "--authorization-mode=RBAC",
        # Without a controller-manager nobody makes the default ServiceAccount or its token.
        "--disable-admission-plugins=ServiceAccount",
        "--profiling=false",
    ]


def _controllers(tools: Path, made: SecondCluster) -> Sequence[str]:
    return [
        str(tools / "kube-controller-manager"),
        f"--kubeconfig={made.kubeconfig}",
        "--controllers=deployment,replicaset",
        "--leader-elect=false",
        "--secure-port=0",
    ]


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_ready(address: str, folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5, context=context) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                logs = (folder / "kube-apiserver.log").read_text()[-2000:]
                raise AssertionError(f"the second API server did not start: {error}\n{logs}") from error
        time.sleep(0.2)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
