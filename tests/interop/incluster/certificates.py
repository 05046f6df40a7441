"""Certificates and authorities of a cluster with pods that are replaced while Towpath works."""

import contextlib
import ipaddress
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.interop.incluster.faults import process_of
from tests.interop.pods.cluster import ROOT
from tests.interop.pods.git_server import PORT
from tests.interop.pods.layout import GATEWAY, REGISTRY, PodsLayout
from tests.interop.pods.site import HOME, Site
from towpath.local.common.stack import NODE
from towpath.local.parts.certificates import Subject, ensure_certificates, subjects

ROOTS = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
BUNDLE = "/etc/towpath/ca/bundle.crt"
READ_AT_START = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns")
"""Parts that read the authority of the API server when they start."""
SERVED = "import ssl,sys; print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2])), timeout=10))"


def distribute(site: Site) -> None:
    """A second authority is trusted by everybody, beside the first: what an operator does days before."""
    layout, pki = site.cluster.layout, _pki(site)
    shutil.copy(pki / "ca.crt", pki / "first-ca.crt")
    _ensure(layout, pki / "second")
    both = (pki / "ca.crt").read_text() + (pki / "second" / "ca.crt").read_text()
    (pki / "ca.crt").write_text(both)
    trust(site, both)
    for part in READ_AT_START:
        # One certificate, not a bundle, is what new client certificates are signed with.
        signs, first = f"--cluster-signing-cert-file={pki / 'ca.crt'}", pki / "first-ca.crt"
        restart(site, part, {signs: f"--cluster-signing-cert-file={first}"})
    site.until(lambda: all(_certificates(site, pod) == (2, 2) for pod in _agents(site)), "it came in", 300)


def trust(site: Site, authorities: str) -> None:
    """By these, agents and people verify Git and the registry."""
    (site.folder / "ca.crt").write_text(authorities)
    data = {"ca.crt": authorities}
    metadata = {"name": "towpath-ca", "namespace": HOME}
    site.cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


@contextmanager
def replaced(site: Site) -> Iterator[None]:
    """The API server's certificate is one more of the same authority, then one of the second authority;
    those of Git and registry are of the second one."""
    layout, pki = site.cluster.layout, _pki(site)
    address = site.cluster.run("kubectl", "config", "view", "-o=jsonpath={.clusters[0].cluster.server}")
    host, _, port = address.stdout.removeprefix("https://").partition(":")
    before = served(site, host, port)
    _ensure(layout, pki / "again", pki / "first-ca.crt")
    _take(pki / "again", pki, "apiserver")
    site.until(lambda: served(site, host, port) not in ("", before), "it serves the renewed certificate", 120)
    _take(pki / "second", pki, "apiserver")
    _take(pki / "second", pki, "box")
    for part in ("tests.interop.pods.git_server", "docker-registry"):
        restart(site, part)
    for name, address in (
        ("apiserver", (host, port)),
        ("box", (GATEWAY, str(PORT))),
        ("box", REGISTRY.split(":")),
    ):
        _await(site, (pki / f"{name}.crt").read_text().strip(), *address)
    # The API server has its new certificate without a restart: what is connected by the old one is cut off.
    site.cluster.run("ss", "--kill", "sport", "=", f":{port}")
    yield


def withdraw(site: Site) -> None:
    """The first authority of Git and registry is trusted no longer."""
    trust(site, (_pki(site) / "second" / "ca.crt").read_text())
    site.until(lambda: all(_certificates(site, pod)[1] == 1 for pod in _agents(site)), "it is gone", 300)


def served(site: Site, host: str, port: str) -> str:
    """The certificate that a server has now, or nothing while it does not answer."""
    return site.cluster.run("python3", "-c", SERVED, host, port).stdout.strip()


def restart(site: Site, named: str, changes: dict[str, str] | None = None) -> None:
    """A part of the cluster is killed, and started again as it was but for `changes` of its arguments."""
    pid = process_of(site, named)
    folder = Path(f"/proc/{pid}")
    command = [(changes or {}).get(each, each) for each in _strings(folder / "cmdline")]
    environ = dict(each.split("=", 1) for each in _strings(folder / "environ") if "=" in each)
    os.kill(pid, signal.SIGKILL)
    while _lives(folder):
        time.sleep(0.1)
    inside = f"--target={site.cluster.process}"
    log = site.cluster.layout.folder / "log" / f"{named}-again.log"
    with log.open("a") as output:
        subprocess.Popen(
            ["nsenter", inside, "--net", "--mount", "--pid", "--", *command],
            env={**environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def _lives(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _await(site: Site, certificate: str, host: str, port: str) -> None:
    site.until(lambda: served(site, host, port) == certificate, f"{host}:{port} serves its new one", 120)


def _strings(file: Path) -> Sequence[str]:
    return [each.decode() for each in file.read_bytes().split(b"\0") if each]


def _pki(site: Site) -> Path:
    return site.cluster.layout.certificate("ca").parent


def _ensure(layout: PodsLayout, folder: Path, authority: Path | None = None) -> None:
    """Certificates as the cluster has, of a new authority or of this one."""
    folder.mkdir()
    if authority is not None:
        shutil.copy(authority, folder / "ca.crt")
        shutil.copy(layout.key("ca"), folder / "ca.key")
    stack = layout.stack()
    service = str(next(ipaddress.ip_network(stack.service_range).hosts()))
    own = subjects(NODE, stack.gateway, service)
    ensure_certificates(folder, {"apiserver": own["apiserver"], "box": Subject("box", hosts=(GATEWAY,))})


def _take(source: Path, target: Path, name: str) -> None:
    """Certificate and key; each takes the place of the old one at once."""
    for kind in ("key", "crt"):
        written = target / f".{name}.{kind}"
        shutil.copy(source / f"{name}.{kind}", written)
        written.replace(target / f"{name}.{kind}")


def _agents(site: Site) -> list[str]:
    return [each["metadata"]["name"] for each in site.pods("agent")]


def _certificates(site: Site, pod: str) -> tuple[int, int]:
    """How many authorities a pod finds for the API server, and for Git and the registry."""
    read = f"print(*(open(each).read().count('BEGIN CERTIFICATE') for each in {[ROOTS, BUNDLE]}))"
    done = site.cluster.run("kubectl", "exec", "--namespace", HOME, pod, "--", "python", "-c", read)
    found = done.stdout.split()
    return (int(found[0]), int(found[1])) if len(found) == 2 else (0, 0)
