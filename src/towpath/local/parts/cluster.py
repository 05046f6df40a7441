"""The one-node Kubernetes of the local stack. No kube-proxy: the API server's proxy reaches the pods."""

from collections.abc import Callable

from towpath.local.common.ports import LOOPBACK
from towpath.local.common.stack import NODE, Stack
from towpath.local.parts import readiness
from towpath.local.parts.component import Component, program
from towpath.local.parts.configuration import ADMISSION, certificate, kubeconfigs


def etcd(stack: Stack) -> Component:
    """The cluster's database."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "etcd")
    client, peer = f"https://{stack.address('etcd')}", f"https://{stack.address('etcd-peer')}"
    return Component(
        name="etcd",
        role="cluster",
        purpose="the cluster's database",
        command=(
            program(stack, "etcd"),
            f"--data-dir={stack.layout.data / 'etcd'}",
            "--name=towpath",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=towpath={peer}",
            f"--cert-file={cert}",
            f"--key-file={key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth",
            f"--peer-cert-file={cert}",
            f"--peer-key-file={key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth",
            "--log-level=warn",
        ),
        ready=readiness.https("etcd", "/health", "etcd-client"),
        ports=("etcd", "etcd-peer"),
    )


def apiserver(stack: Stack) -> Component:
    """The API server."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "apiserver")
    etcd_cert, etcd_key = certificate(stack, "etcd-client")
    kubelet_cert, kubelet_key = certificate(stack, "apiserver-kubelet")
    _, accounts = certificate(stack, "service-accounts")
    return Component(
        name="kube-apiserver",
        role="cluster",
        purpose="the cluster's API",
        command=(
            program(stack, "kube-apiserver"),
            f"--bind-address={LOOPBACK}",
            f"--secure-port={stack.port('apiserver')}",
            f"--advertise-address={stack.gateway}",
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://{stack.address('etcd')}",
            f"--etcd-cafile={authority}",
            f"--etcd-certfile={etcd_cert}",
            f"--etcd-keyfile={etcd_key}",
            f"--tls-cert-file={cert}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={authority}",
            f"--kubelet-certificate-authority={authority}",
            f"--kubelet-client-certificate={kubelet_cert}",
            f"--kubelet-client-key={kubelet_key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts.with_suffix('.pub')}",
            f"--service-account-signing-key-file={accounts}",
            f"--service-cluster-ip-range={stack.service_range}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--admission-control-config-file={stack.layout.run / ADMISSION}",
            "--allow-privileged=true",
            # For aggregated APIs; nobody has a certificate of that name. Without it, controllers log errors.
            f"--requestheader-client-ca-file={authority}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--profiling=false",
        ),
        ready=readiness.https("apiserver", "/readyz"),
        ports=("apiserver",),
        needs=("etcd",),
        stop_within=20,
    )


def controller_manager(stack: Stack) -> Component:
    """The controllers."""
    authority, authority_key = certificate(stack, "ca")
    _, accounts = certificate(stack, "service-accounts")
    return Component(
        name="kube-controller-manager",
        role="cluster",
        purpose="the cluster's controllers",
        command=(
            program(stack, "kube-controller-manager"),
            *_serving(stack, "controller-manager"),
            f"--root-ca-file={authority}",
            f"--cluster-signing-cert-file={authority}",
            f"--cluster-signing-key-file={authority_key}",
            f"--service-account-private-key-file={accounts}",
            "--use-service-account-credentials",
            # The default of 20 requests a second would only make people wait on a single-user cluster.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ),
        ready=readiness.https("controller-manager", "/healthz"),
        ports=("controller-manager",),
        needs=("kube-apiserver",),
    )


def scheduler(stack: Stack) -> Component:
    """The scheduler."""
    return Component(
        name="kube-scheduler",
        role="cluster",
        purpose="places pods",
        command=(
            program(stack, "kube-scheduler"),
            *_serving(stack, "scheduler"),
        ),
        ready=readiness.https("scheduler", "/healthz"),
        ports=("scheduler",),
        needs=("kube-apiserver",),
    )


def _serving(stack: Stack, name: str) -> tuple[str, ...]:
    """Options for reaching the API server and serving health, common to both controllers."""
    cert, key = certificate(stack, name)
    path = kubeconfigs(stack)[name]
    return (
        f"--kubeconfig={path}",
        f"--authentication-kubeconfig={path}",
        f"--authorization-kubeconfig={path}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={stack.port(name)}",
        f"--tls-cert-file={cert}",
        f"--tls-private-key-file={key}",
        "--leader-elect=false",
        "--profiling=false",
    )


def containerd(stack: Stack) -> Component:
    """The container runtime, apart from Docker's."""
    return Component(
        name="containerd",
        purpose="runs the pods' containers",
        command=(
            program(stack, "containerd"),
            "--config",
            str(stack.layout.run / "containerd" / "config.toml"),
        ),
        ready=readiness.unix(lambda stack: stack.layout.run / "containerd" / "containerd.sock"),
    )


def kubelet(stack: Stack) -> Component:
    """The node."""
    return Component(
        name="kubelet",
        purpose="the cluster's node",
        command=(
            program(stack, "kubelet"),
            f"--config={stack.layout.run / 'kubelet.json'}",
            f"--kubeconfig={kubeconfigs(stack)['kubelet']}",
            f"--root-dir={stack.layout.data / 'kubelet'}",
            f"--cert-dir={stack.layout.data / 'kubelet' / 'pki'}",
            f"--hostname-override={NODE}",
            f"--node-ip={stack.gateway}",
        ),
        ready=readiness.node,
        ports=("kubelet", "kubelet-health"),
        needs=("containerd", "kube-apiserver", "network", "pause image", "kube-controller-manager"),
    )


CLUSTER: tuple[Callable[[Stack], Component], ...] = (
    etcd,
    apiserver,
    controller_manager,
    scheduler,
    containerd,
    kubelet,
)
"""In starting order."""
