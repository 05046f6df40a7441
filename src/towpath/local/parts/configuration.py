"""Configuration files of the components, generated at every `up`. JSON where the component reads YAML."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from towpath.local.common.files import write_json, write_private
from towpath.local.common.stack import Stack
from towpath.local.programs.tools import CNI, require

ADMISSION = "admission.json"
"""File of the API server's admission plugins, in the run folder."""
PAUSE_IMAGE = "towpath.local/pause:1"
"""Image of the container that holds a pod's namespaces; built in images.py, so that no registry is needed."""


def write_configuration(stack: Stack) -> None:
    """Write the configuration files of all components of this stack."""
    if stack.own_registry:
        write_json(stack.layout.run / "registry.json", registry(stack))
    if stack.own_engine:
        # Without this file dockerd would read the machine's own configuration.
        write_json(stack.layout.run / "docker.json", {})
    if stack.own_cluster:
        folder = stack.layout.run / "containerd"
        runc = require("runc", stack.settings)
        write_private(folder / "config.toml", containerd(stack, runc=runc))
        write_private(folder / "certs.d" / stack.registry / "hosts.toml", mirror(stack))
        write_json(stack.layout.run / "cni" / "10-towpath.conflist", network(stack))
        write_json(stack.layout.run / "kubelet.json", kubelet(stack))
        write_json(stack.layout.run / ADMISSION, admission())
        for name, path in kubeconfigs(stack).items():
            write_json(path, kubeconfig(stack, name))


def kubeconfigs(stack: Stack) -> dict[str, Path]:
    """Certificate name -> path of the kubeconfig that uses it."""
    own = stack.layout.credentials
    return {
        "admin": stack.layout.kubeconfig("admin"),
        "kubelet": own / "kubelet" / "kubeconfig",
        "controller-manager": own / "controller-manager" / "kubeconfig",
        "scheduler": own / "scheduler" / "kubeconfig",
    }


def certificate(stack: Stack, name: str) -> tuple[Path, Path]:
    """Paths of a certificate and its key."""
    folder = stack.layout.credentials / "pki"
    return folder / f"{name}.crt", folder / f"{name}.key"


def kubeconfig(
    stack: Stack, name: str, *, token: str | None = None, namespace: str | None = None
) -> dict[str, object]:
    """A kubeconfig of the stack's cluster, with `token` or else the certificate called `name`."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, name)
    user = {"token": token} if token else {"client-certificate": str(cert), "client-key": str(key)}
    context = {"cluster": "towpath", "user": name} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "towpath",
        "clusters": [
            {
                "name": "towpath",
                "cluster": {"server": stack.apiserver, **_authority(authority, inline=token is not None)},
            }
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "towpath", "context": context}],
    }


def _authority(path: Path, *, inline: bool) -> dict[str, str]:
    """The file, or its content for somebody who cannot read it."""
    if inline:
        return {"certificate-authority-data": base64.b64encode(path.read_bytes()).decode()}
    return {"certificate-authority": str(path)}


def registry(stack: Stack) -> dict[str, object]:
    """docker-registry: images in the data folder; deletion enabled for pruning."""
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(stack.layout.data / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": stack.address("registry")},
    }


def containerd(stack: Stack, *, runc: Path) -> str:
    """containerd: all folders and sockets apart from Docker's.

    `restrict_oom_score_adj`: without it, a machine without CAP_SYS_RESOURCE refuses every sandbox.
    `netns_mounts_under_state_dir`: `down` then finds the network namespaces of this stack alone.
    """
    own = stack.layout.run / "containerd"
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    plugins = next((folder for folder in CNI if Path(folder, "host-local").exists()), CNI[0])
    text = json.dumps
    lines = (
        "version = 2",
        f"root = {text(str(stack.layout.data / 'containerd'))}",
        f"state = {text(str(own / 'state'))}",
        "oom_score = 0",
        'disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", '
        '"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", '
        '"io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]',
        "[grpc]",
        f"address = {text(str(own / 'containerd.sock'))}",
        f"[{cri}]",
        f"sandbox_image = {text(PAUSE_IMAGE)}",
        "restrict_oom_score_adj = true",
        "netns_mounts_under_state_dir = true",
        "disable_tcp_service = true",
        'stream_server_address = "127.0.0.1"',
        'stream_server_port = "0"',
        f"[{cri}.containerd]",
        'snapshotter = "overlayfs"',
        f"[{cri}.containerd.runtimes.runc]",
        'runtime_type = "io.containerd.runc.v2"',
        f"[{cri}.containerd.runtimes.runc.options]",
        f"BinaryName = {text(str(runc))}",
        f"Root = {text(str(stack.layout.run / 'runc'))}",
        "SystemdCgroup = false",
        f"[{cri}.cni]",
        f"bin_dir = {text(plugins)}",
        f"conf_dir = {text(str(stack.layout.run / 'cni'))}",
        f"[{cri}.registry]",
        f"config_path = {text(str(own / 'certs.d'))}",
    )
    return "\n".join(lines) + "\n"


def admission() -> dict[str, object]:
    """Pod Security `baseline` where a namespace says nothing: no host access, no privileged pods."""
    policy = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {"enforce": "baseline", "enforce-version": "latest"},
        "exemptions": {"usernames": [], "runtimeClasses": [], "namespaces": []},
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": policy}],
    }


def mirror(stack: Stack) -> str:
    """Plain HTTP to the registry on loopback."""
    scheme = "http" if stack.registry.partition(":")[0] in ("127.0.0.1", "localhost", "[::1]") else "https"
    url = json.dumps(f"{scheme}://{stack.registry}")
    return f'server = {url}\n[host.{url}]\ncapabilities = ["pull", "resolve"]\n'


def network(stack: Stack) -> dict[str, object]:
    """CNI: a bridge of the stack; pods reach each other and this machine, without firewall rules.

    portmap acts only for pods that request a port of the host.
    """
    return {
        "cniVersion": "0.4.0",
        "name": stack.layout.bridge,
        "plugins": [
            {
                "type": "bridge",
                "bridge": stack.layout.bridge,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": stack.options.subnet}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(stack.layout.run / "ipam"),
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(stack: Stack) -> Mapping[str, object]:
    """kubelet: no anonymous access, cgroups below the stack's, no firewall chains, late eviction."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "kubelet-serving")
    data = stack.layout.data / "kubelet"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # The node's address in the pods' network: reachable for the API server, not from outside.
        "address": stack.gateway,
        "port": stack.port("kubelet"),
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": stack.port("kubelet-health"),
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(cert),
        "tlsPrivateKeyFile": str(key),
        "containerRuntimeEndpoint": f"unix://{stack.layout.run / 'containerd' / 'containerd.sock'}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{stack.layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "oomScoreAdj": 0,
        "podLogsDir": str(stack.layout.log / "pods"),
        "volumePluginDir": str(data / "volume-plugins"),
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }
