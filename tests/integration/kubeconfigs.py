"""What the tables of kubeconfigs are made of: one API server, its credentials, and files that name them."""

import base64
import json
import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.second_cluster import SecondCluster

V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
ADMIN = "second-admin"
ONE, TWO = "system:serviceaccount:default:one", "system:serviceaccount:default:two"
ANONYMOUS = "system:anonymous"
REFUSED = "refused"


@dataclass
class Site:
    """The API server, and a folder of this case's own. `tokens` are those of service accounts."""

    second: SecondCluster
    kubectl: Path
    tokens: Mapping[str, str]
    folder: Path
    proxy: int = 0
    environ: dict[str, str] = field(default_factory=dict)

    def file(self, name: str, content: str | bytes, *, executable: bool = False) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600 | (stat.S_IXUSR if executable else 0))
        return str(path)

    def pem(self, name: str) -> bytes:
        return (self.second.folder / name).read_bytes()

    def data(self, name: str) -> str:
        return base64.b64encode(self.pem(name)).decode()

    def plugin(self, status: object, *, api: str = V1, code: str = "", **more: object) -> dict[str, Any]:
        """An exec plugin that answers with this status."""
        answer = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": status})
        script = self.file("plugin", f"#!/bin/sh\n{code}\ncat <<'END'\n{answer}\nEND\n", executable=True)
        return {"exec": {"apiVersion": api, "command": script, "interactiveMode": "Never", **more}}

    @property
    def certificate(self) -> dict[str, str]:
        return {"client-certificate-data": self.data("admin.crt"), "client-key-data": self.data("admin.key")}

    def kubectl_sees(self, kubeconfig: str, context: str | None) -> dict[str, Any] | str:
        """Who the API server sees, or why kubectl does not get that far."""
        command = [str(self.kubectl), "auth", "whoami", "-o", "json"]
        command += ["--context", context] if context else []
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environ}
        done = subprocess.run(
            command,
            check=False,
            env={**environ, "KUBECONFIG": kubeconfig},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stderr if done.returncode else dict(json.loads(done.stdout)["status"]["userInfo"])


def config(cluster: object, user: object, **more: object) -> dict[str, Any]:
    """One context, `c`, of one cluster and one user."""
    named = {} if user is None else {"user": "u"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", **named}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [] if user is None else [{"name": "u", "user": user}],
        **more,
    }


@dataclass(frozen=True)
class Case:
    """`build` writes the files and gives KUBECONFIG's value. `kubectl`: who is seen there, if not `seen`."""

    name: str
    seen: str
    build: Callable[[Site], str]
    context: str | None = None
    kubectl: str | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def with_user(name: str, seen: str, user: Callable[[Site], object], kubectl: str | None = None) -> Case:
    """The user varies."""

    def build(site: Site) -> str:
        return site.file("config", json.dumps(config(site.second.trusted, user(site))))

    return Case(name, seen, build, None, kubectl)


def with_cluster(name: str, seen: str, cluster: Callable[[Site], object], kubectl: str | None = None) -> Case:
    """The cluster varies."""

    def build(site: Site) -> str:
        return site.file("config", json.dumps(config(cluster(site), site.certificate)))

    return Case(name, seen, build, None, kubectl)


def admin_as(name: str, seen: str, **who: object) -> Case:
    """The admin acts as somebody."""
    return with_user(name, seen, lambda site: {**site.certificate, **who})


def with_text(name: str, seen: str, change: Callable[[str], str], kubectl: str | None = None) -> Case:
    """The text of a good file varies."""

    def build(site: Site) -> str:
        return site.file(
            "config", change(json.dumps(config(site.second.trusted, site.certificate), indent=1))
        )

    return Case(name, seen, build, None, kubectl)


def several(site: Site, *contents: object) -> str:
    """Files in folders of their own, as KUBECONFIG lists them."""
    return os.pathsep.join(
        site.file(f"{index}/config", json.dumps(content)) for index, content in enumerate(contents)
    )


def only(**parts: object) -> dict[str, object]:
    """A file with some parts alone."""
    return {"apiVersion": "v1", "kind": "Config", **parts}


def entry(kind: str, name: str, **content: object) -> dict[str, object]:
    """One named entry."""
    return {"name": name, kind: content}


def in_lines(text: str) -> str:
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64)) + "\r\n"


def certificate_files(site: Site) -> dict[str, str]:
    """The admin's certificate in files beside the kubeconfig."""
    for name in ("admin.crt", "admin.key"):
        site.file(f"pki/{name}", site.pem(name))
    return {"client-certificate": "pki/admin.crt", "client-key": "./pki/../pki/admin.key"}
