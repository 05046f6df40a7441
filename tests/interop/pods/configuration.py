"""What a cluster with pods has beside the local stack's: Services, names, and a registry that pods reach."""

import json
from collections.abc import Sequence

from tests.interop.pods.layout import PodsLayout
from towpath.local.common.stack import NODE, Stack

PROXY, DNS = "kube-proxy", "coredns"
CHANGED = ("--bind-address=", "--endpoint-reconciler-type=")


def apiserver_options(command: Sequence[str]) -> tuple[str, ...]:
    """Pods reach it as the Service `kubernetes`, whose only endpoint is the node."""
    kept = [each for each in command if not each.startswith(CHANGED)]
    return (*kept, "--bind-address=0.0.0.0")


def kube_proxy(layout: PodsLayout, stack: Stack) -> dict[str, object]:
    """Rules of iptables in this network namespace alone.

    `masqueradeAll`: pods are on one bridge, so that answers would come from the pod's own address.
    """
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NODE,
        "clusterCIDR": stack.options.subnet,
        "detectLocalMode": "ClusterCIDR",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig(PROXY))},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "iptables": {"masqueradeAll": True, "syncPeriod": "30s", "minSyncPeriod": "0s"},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def corefile(layout: PodsLayout, stack: Stack) -> str:
    """CoreDNS beside the node's other programs, for the cluster's names only."""
    return f"""\
.:53 {{
    bind {stack.gateway}
    ready 127.0.0.1:8181
    errors
    cache 2
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {layout.kubeconfig(DNS)} towpath
    }}
}}
"""


def registry(layout: PodsLayout, stack: Stack) -> dict[str, object]:
    """Debian's, by TLS at the node's address: node and pods call it the same."""
    tls = {"certificate": str(layout.certificate("box")), "key": str(layout.key("box"))}
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(layout.images)}, "delete": {"enabled": True}},
        "http": {"addr": stack.registry, "tls": tls},
    }


def mirror(stack: Stack) -> str:
    """The certificate authority by which containerd verifies the registry."""
    url = json.dumps(f"https://{stack.registry}")
    authority = json.dumps(str(stack.layout.credentials / "pki" / "ca.crt"))
    return f'server = {url}\n[host.{url}]\ncapabilities = ["pull", "resolve"]\nca = {authority}\n'
