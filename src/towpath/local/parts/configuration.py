"""Configuration files of the components, generated from the stack at every `up`. JSON where YAML is read."""

import json
from collections.abc import Mapping
from pathlib import Path

from towpath.local.common.files import write_json, write_private
from towpath.local.common.stack import Stack
from towpath.local.programs.tools import CNI, require

PAUSE_IMAGE = "towpath.local/pause:1"
"""Holds a pod's namespaces. Built and imported by us (images.py), so that no public registry is asked."""


def write_configuration(stack: Stack) -> None:
    """Write what the components of this stack read when they start."""
    if stack.own_registry:
        write_json(stack.layout.run / "registry.json", registry(stack))
    if stack.own_engine:
        # Without one dockerd would read the machine's own.
        write_json(stack.layout.run / "docker.json", {})
    if stack.own_cluster:
        folder = stack.layout.run / "containerd"
        runc = require("runc", stack.settings)
        write_private(folder / "config.toml", containerd(stack, runc=runc))
        write_private(folder / "certs.d" / stack.registry / "hosts.toml", mirror(stack))
        write_json(stack.layout.run / "cni" / "10-towpath.conflist", network(stack))
        write_json(stack.layout.run / "kubelet.json", kubelet(stack))
        for name, path in kubeconfigs(stack).items():
            write_json(path, kubeconfig(stack, name))


def kubeconfigs(stack: Stack) -> dict[str, Path]:
    """Certificate name -> kubeconfig of those who identify themselves by certificate."""
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
    """A kubeconfig of the own cluster; without `token` by the certificate called `name`."""
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
                "cluster": {"server": stack.apiserver, "certificate-authority": str(authority)},
            }
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "towpath", "context": context}],
    }


def registry(stack: Stack) -> dict[str, object]:
    """docker-registry: images in the data folder; deleting allowed, so that a prune can."""
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
    """containerd: everything of its own, nothing that collides with Docker's.

    `restrict_oom_score_adj`: a machine without CAP_SYS_RESOURCE refuses every sandbox otherwise.
    `netns_mounts_under_state_dir`: so that `down` finds the network namespaces of this stack alone.
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


def mirror(stack: Stack) -> str:
    """Plain HTTP to the registry on loopback."""
    scheme = "http" if stack.registry.partition(":")[0] in ("127.0.0.1", "localhost", "[::1]") else "https"
    url = json.dumps(f"{scheme}://{stack.registry}")
    return f'server = {url}\n[host.{url}]\ncapabilities = ["pull", "resolve"]\n'


def network(stack: Stack) -> dict[str, object]:
    """CNI: a bridge of our own; pods reach each other and this machine, no firewall rule is made.

    portmap acts only for a pod that asks for a port of the host.
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
    """kubelet: nobody anonymous, cgroups below our own, no firewall chains, no eviction on a full laptop."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "kubelet-serving")
    data = stack.layout.data / "kubelet"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # The node's own address in the pods' network: the API server reaches it there, the outside does not.
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
