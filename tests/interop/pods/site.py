"""An installation in a cluster with pods: its values, what its owner brings, and how people speak to it."""

import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.chart import example
from tests.interop.pods import releases
from tests.interop.pods.cluster import ROOT, PodsCluster
from tests.interop.pods.git_server import LOGIN, PASSWORD
from tests.interop.pods.images import Image
from tests.interop.pods.layout import GATEWAY, GIT, REGISTRY
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.evidence.trusted_keys import EVIDENCE
from towpath.local.common.stack import NODE
from towpath.local.parts.seed import DEFAULT_REGISTRY, seed, substitute

HOME = "towpath-system"
ENVIRONMENTS = ("dev", "staging", "prod")
APP = "hello"
TOWPATH = Path(sys.executable).with_name("towpath")
SECONDS = 1800.0
"""How long anything may take on a machine with other work; nothing of it is a promise."""
INSTALL = ("install", "--context=towpath")
DOCTOR = ("doctor", "--cluster", "--context=towpath")
PATIENT = {"timeout": "600s"}
Tell = Callable[[str], None]
"""Says where a story is, and what was measured."""
ASK = """\
import base64, sys, urllib.request
url, login = sys.argv[1:]
login = base64.b64encode(login.encode()).decode()
headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
request = urllib.request.Request(url, sys.stdin.read().encode() or None, headers)
print(urllib.request.urlopen(request, timeout=60).read().decode())
"""


@dataclass(frozen=True)
class Site:
    """`images` are those of images.py, `folder` is for working copies and values."""

    cluster: PodsCluster
    images: Mapping[str, Image]
    folder: Path

    # What its owner brings.

    def prepare(self) -> None:
        """Namespace, login and authority, two volumes, and the builder's key."""
        layout = self.cluster.layout
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        authority = layout.certificate("ca").read_text()
        self.cluster.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME, "labels": labels}},
            _named("Secret", "towpath-git", stringData={"netrc": self._netrc}),
            _named("ConfigMap", "towpath-ca", data={"ca.crt": authority}),
            *(volume(layout.volumes / name, size) for name, size in (("database", "5Gi"), ("redis", "1Gi"))),
        )
        make_key(KeyFolder(self.keys), "build", (EVIDENCE,))
        for name, text in ((".netrc", self._netrc), ("ca.crt", authority)):
            (self.folder / name).write_text(text)

    def seed(self, work: Path) -> None:
        """Begin the environment repository by the content of that folder."""
        repository = self.cluster.layout.repositories / "environments.git"
        seed(work, repository, "Begin", registry=REGISTRY)

    @property
    def _netrc(self) -> str:
        return f"machine {GATEWAY} login {LOGIN} password {PASSWORD}\n"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def environments(self) -> Path:
        """The folder of which the environment repository began."""
        return self.folder / "environments"

    def example(self) -> Path:
        """The example, with an app that is not built here and environments that have time."""
        work = self.environments
        shutil.copytree(ROOT / "examples" / "environments", work)
        substitute(work, DEFAULT_REGISTRY, REGISTRY)
        path = work / "towpath.yaml"
        config = yaml.safe_load(path.read_text())
        del config["apps"][APP]["source"]
        config["environments"] = [each | PATIENT for each in config["environments"]]
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        for name in ENVIRONMENTS:  # the chart makes these two
            (work / "apps" / APP / name / "namespace.yaml").unlink()
            overlay = work / "apps" / APP / name / "kustomization.yaml"
            overlay.write_text(overlay.read_text().replace("  - namespace.yaml\n", ""))
        deployment = work / "apps" / APP / "base" / "deployment.yaml"
        text = deployment.read_text()
        deployment.write_text(text.replace("progressDeadlineSeconds: 40", "progressDeadlineSeconds: 600"))
        return work

    # The installation.

    def values(self, *, version: str = "", **changes: Any) -> Path:
        """Those of the example to try it, with our images, for three environments; `-next` is a version."""
        content = yaml.safe_load(example("trial").read_text())
        stores = self.images["stores"].reference
        content["image"] = self.images[f"agent{version}"].values
        content["server"] = {"image": self.images[f"server{version}"].values, "replicas": 2}
        content["server"]["services"] = {"replicas": 1}
        content["database"]["trial"]["image"] = content["redis"]["trial"]["image"] = stores
        content["repository"] = {"url": f"{GIT}/environments.git", "netrcSecret": "towpath-git"}
        content["caBundle"] = {"configMap": "towpath-ca"}
        content["agents"] = {name: {} for name in ENVIRONMENTS}
        path = self.folder / f"values{version}.yaml"
        path.write_text(yaml.safe_dump(content | changes))
        return path

    def install(self, values: Path, *options: str) -> str:
        return self.must(*INSTALL, f"--values={values}", "--timeout=30m", *options)

    @property
    def variables(self) -> dict[str, str]:
        """Of somebody who has a kubeconfig, the keys, and the login of Git."""
        own = {"HOME": str(self.folder), "TOWPATH_KEYS": str(self.keys)}
        own |= {"TOWPATH_HOME": str(self.folder / "home"), "TOWPATH_CACHE": str(self.folder / "cache")}
        own |= {name: str(self.folder / "ca.crt") for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO")}
        return {**own, "TOWPATH_ENVIRONMENTS": f"{GIT}/environments.git"}

    def towpath(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return self.cluster.run(TOWPATH, *arguments, seconds=SECONDS, environ=self.variables | environ)

    def must(self, *arguments: str, **environ: str) -> str:
        """What it prints; it has to end with 0."""
        done = self.towpath(*arguments, **environ)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}\n{self.told()}"
        return done.stdout

    @cached_property
    def people(self) -> dict[str, str]:
        """The variables of those who speak to the Prefect server."""
        where = ("--namespace", HOME)
        address = self.cluster.get("service", "towpath-server", *where)["spec"]["clusterIP"]
        login = self.cluster.get("secret", "towpath-prefect", *where)["data"]["auth-string"]
        return {
            "PREFECT_API_URL": f"http://{address}:4200/api",
            "PREFECT_API_AUTH_STRING": base64.b64decode(login).decode(),
        }

    def prefect(self, path: str, body: Any = None) -> Any:
        """What the Prefect API answers: to a POST where there is a body."""
        login = self.people
        done = self.cluster.run(
            sys.executable, "-c", ASK, login["PREFECT_API_URL"] + path, login["PREFECT_API_AUTH_STRING"],
            text="" if body is None else json.dumps(body),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.told()
        return json.loads(done.stdout)

    def release(self, app: str, subject: str, *images: Image) -> str:
        """Sign and record a release of these images; its id."""
        references = (each.reference for each in images)
        made = self.cluster.run(
            *releases.command(self.keys, self.environments, app, subject, *references), environ=self.variables
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    # What is seen of it.

    def told(self) -> str:
        """Pods, events and what is not ready says of itself: for somebody who reads a failed test."""
        parts = [
            self.cluster.run("kubectl", "get", "pods", "-A", "-o", "wide").stdout,
            self.cluster.run("kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp").stdout[-4000:],
        ]
        for pod in self.pods():
            if not is_ready(pod):
                name = pod["metadata"]["name"]
                log = ("logs", "--all-containers", "--tail=30", "--namespace", HOME, name)
                parts.append(f"== {name}\n{self.cluster.run('kubectl', *log).stdout[-3000:]}")
        return "\n".join(parts)

    def pods(self, component: str = "", namespace: str = HOME) -> list[dict[str, Any]]:
        chosen = [f"--selector=app.kubernetes.io/component={component}"] if component else []
        found: list[dict[str, Any]] = self.cluster.get("pods", "--namespace", namespace, *chosen)["items"]
        return found

    def until(self, holds: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
        """What `holds` gives as soon as that is true."""
        end = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < end, f"{what}\n{self.told()}"
            time.sleep(1)
        return found


def _named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": HOME}, **more}


def volume(folder: Path, size: str) -> dict[str, Any]:
    """A volume of the node: `local`, whose files kubelet gives to the pod's group."""
    folder.mkdir()
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": folder.name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
        },
    }


def is_ready(pod: Mapping[str, Any]) -> bool:
    conditions: Sequence[Mapping[str, str]] = pod["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
