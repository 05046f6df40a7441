"""Traffic: cert-manager, Gateway API, Envoy, Istio, Contour, Gloo, Knative, Cilium, MetalLB."""

from towpath.health.generic import gateways
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS

_ACME = "Healthy .status.state=valid; Degraded! .status.state=invalid|expired|errored"
_KNATIVE = "Degraded !Ready; Healthy Ready"
_GLOO = (
    "Degraded .status.state=Rejected|Warning|2|3; Degraded .status.statuses[].state=Rejected|Warning|2|3;"
    " {pending} .status.state=Pending|0; {pending} .status.statuses[].state=Pending|0;"
    " Healthy .status.state=Accepted|1; Healthy .status.statuses[].state=Accepted|1"
)
_ISTIO = (
    "Unknown .status.status=NONE|0; Progressing .status.status=UPDATING|RECONCILING|1|2;"
    " Healthy .status.status=HEALTHY|3; Degraded .status.status=ERROR|4"
)
_ISTIO_CONFIG = (
    "Degraded .status.validationMessages[].level=ERROR; Degraded !Reconciled; Degraded !*Accepted; Healthy"
)

ROWS: Rows = {
    "acme.cert-manager.io": {"Challenge Order": _ACME},
    "cert-manager.io": {
        "Certificate": "Progressing Issuing; Healthy Ready; Degraded !Ready",
        "CertificateRequest": (
            "Degraded! Denied; Degraded! InvalidRequest; Healthy Ready; Progressing ~Ready(Pending);"
            " Degraded ~Ready"
        ),
        "ClusterIssuer Issuer": "Degraded !Ready; Healthy Ready",
    },
    "trust.cert-manager.io": {"*": "Healthy Synced; Degraded ~Synced"},
    "gateway.networking.k8s.io": {
        "GatewayClass": "Healthy Accepted; Degraded !Accepted",
        "Gateway ListenerSet XListenerSet": gateways.gateway,
        "ReferenceGrant": EXISTS,
        "BackendTLSPolicy BackendTrafficPolicy": gateways.policy,
        "*": gateways.route,
    },
    "gateway.networking.x-k8s.io": {"XListenerSet": gateways.gateway, "*": gateways.policy},
    "inference.networking.k8s.io": {"InferencePool": gateways.route},
    "inference.networking.x-k8s.io": {
        "InferencePool": (
            "Degraded .status.parent[].conditions[].status=False;"
            " Progressing .status.parent[].conditions[].status=Unknown; Healthy .status.parent"
        )
    },
    "gateway.envoyproxy.io": {
        "Backend": "Healthy Accepted; Degraded ~Accepted",
        "EnvoyProxy HTTPRouteFilter": EXISTS,
        "*": gateways.policy,
    },
    "aigateway.envoyproxy.io": {"*": "Degraded NotAccepted; Degraded !Accepted; Healthy Accepted"},
    "gateway.kgateway.dev": {
        "Backend": "Healthy Accepted; Degraded !Accepted",
        "GatewayParameters DirectResponse": EXISTS,
        "*": gateways.policy,
    },
    "gateway.solo.io": {
        "MatchableHttpGateway MatchableTcpGateway": _GLOO.format(pending="Suspended"),
        "*": _GLOO.format(pending="Progressing"),
    },
    "gloo.solo.io": {"*": _GLOO.format(pending="Progressing")},
    "install.istio.io": {"IstioOperator": _ISTIO},
    "sailoperator.io": {
        "IstioRevisionTag": "Degraded !Reconciled; Healthy Reconciled",
        "*": "Degraded !Reconciled; Degraded !DependenciesHealthy; Healthy Ready; Progressing !Ready",
    },
    "networking.istio.io": {"*": _ISTIO_CONFIG},
    "security.istio.io": {"*": _ISTIO_CONFIG},
    "telemetry.istio.io": {"*": _ISTIO_CONFIG},
    "extensions.istio.io": {"*": _ISTIO_CONFIG},
    "kiali.io": {"Kiali": "Degraded Failure; Progressing Running(Running); Healthy Successful"},
    "projectcontour.io": {
        "HTTPProxy": "Healthy .status.currentStatus=valid; Degraded .status.currentStatus=invalid|orphaned",
        "ExtensionService": "Healthy Valid; Degraded !Valid",
        "TLSCertificateDelegation": EXISTS,
    },
    "operator.knative.dev": {
        "KnativeEventing": (
            "Progressing !Ready; Progressing ?*; Healthy Ready & InstallSucceeded;"
            " Degraded .status.conditions"
        ),
        "KnativeServing": (
            "Progressing !DeploymentsAvailable; Progressing ?*;"
            " Healthy Ready & InstallSucceeded & DependenciesInstalled & DeploymentsAvailable;"
            " Degraded .status.conditions"
        ),
    },
    "serving.knative.dev": {
        "Service": "Degraded !*; Healthy Ready & RoutesReady & ConfigurationsReady",
        "*": _KNATIVE,
    },
    "*.knative.dev": {"*": _KNATIVE},
    "externaldns.nginx.org": {"DNSEndpoint": "Healthy .status.observedGeneration==.metadata.generation"},
    "networkservicemesh.io": {"*": EXISTS},
    "appgw.ingress.k8s.io": {"*": EXISTS},
    "kubeovn.io": {"Vpc": "Healthy .status.standby=true"},
    "externaldns.k8s.io": {"DNSEndpoint": "Healthy .status.observedGeneration==.metadata.generation"},
    "networking.gke.io": {
        "FrontendConfig": EXISTS,
        "ServiceAttachment": "Healthy .status.serviceAttachmentURL",
        "ManagedCertificate": (
            "Degraded .status.domainStatus[].status=Failed*; Healthy .status.certificateStatus=Active"
        ),
        "*": (
            "Healthy Attached; Degraded !Attached; Degraded .status.ancestors[].conditions[].status=False;"
            " Healthy .status.ancestors"
        ),
    },
    "cloud.google.com": {"BackendConfig": EXISTS},
    "elbv2.k8s.aws": {
        "IngressClassParams": EXISTS,
        "TargetGroupBinding": "Healthy .status.observedGeneration==.metadata.generation",
    },
    "cilium.io": {
        "CiliumEndpoint": "Healthy .status.state=ready; Degraded .status.state=invalid",
        "CiliumNetworkPolicy CiliumClusterwideNetworkPolicy": "Degraded !Valid; Healthy",
        "CiliumLoadBalancerIPPool": "Degraded cilium.io/PoolConflict; Healthy",
        "CiliumBGPClusterConfig": (
            "Degraded cilium.io/NoMatchingNode; Degraded cilium.io/MissingPeerConfigs;"
            " Degraded cilium.io/ConflictingClusterConfig; Healthy"
        ),
        "CiliumBGPPeerConfig": "Degraded cilium.io/MissingAuthSecret; Healthy",
        "CiliumGatewayClassConfig": "Healthy Accepted; Degraded !Accepted",
        "*": EXISTS,
    },
    "metallb.io": {"ServiceL2Status ServiceBGPStatus": EXISTS, "*": EXISTS},
    "crd.projectcalico.org": {"*": EXISTS},
    "projectcalico.org": {"*": EXISTS},
    "operator.tigera.io": {
        "*": (
            "Degraded Degraded; Progressing Progressing; Healthy Available; Healthy Ready;"
            " Degraded !Ready; Healthy .status.state=Ready"
        )
    },
    "networking.cfargotunnel.com": {
        "TunnelBinding": "Healthy .status.services",
        "ClusterTunnel Tunnel": "Healthy .status.tunnelId",
    },
    "zalando.org": {"RouteGroup": "Healthy .status.loadBalancer.routeGroup"},
    "traefik.io": {"*": EXISTS},
    "traefik.containo.us": {"*": EXISTS},
    "getambassador.io": {
        "Host": "Healthy .status.state=Ready; Degraded .status.state=Error",
        "*": EXISTS,
    },
    "configuration.konghq.com": {
        "KongPlugin KongClusterPlugin KongConsumer KongUpstreamPolicy": (
            "Degraded !Programmed(!Pending); Progressing ~Programmed; Healthy"
        ),
        "KongIngress IngressClassParameters": EXISTS,
        "TCPIngress UDPIngress": "Healthy .status.loadBalancer.ingress",
        "*": "Healthy Programmed; Degraded !Programmed(Invalid)",
    },
    "k8s.nginx.org": {
        "VirtualServer VirtualServerRoute TransportServer Policy": (
            "Healthy .status.state=Valid; Degraded .status.state=Invalid|Warning"
        ),
        "GlobalConfiguration": EXISTS,
    },
    "gateway.nginx.org": {
        "NginxGateway": "Healthy Valid; Degraded !Valid",
        "NginxProxy": EXISTS,
        "SnippetsFilter": (
            "Degraded .status.controllers[].conditions[].status=False; Healthy .status.controllers"
        ),
        "*": gateways.policy,
    },
    "appprotect.f5.com": {"*": EXISTS},
    "consul.hashicorp.com": {
        "GatewayClassConfig MeshService": EXISTS,
        "*": "Healthy Synced; Degraded !Synced",
    },
    "submariner.io": {"*": EXISTS},
    "k8s.cni.cncf.io": {"*": EXISTS},
    "whereabouts.cni.cncf.io": {"*": EXISTS},
    "frrk8s.metallb.io": {"*": EXISTS},
    "crd.antrea.io": {
        "NetworkPolicy ClusterNetworkPolicy": (
            "Healthy .status.phase=Realized; Degraded .status.phase=Failed; Degraded !Realizable"
        ),
        "Traceflow": "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed",
        "*": EXISTS,
    },
    "k8s.ovn.org": {
        "EgressFirewall EgressQoS AdminPolicyBasedExternalRoute": (
            "Degraded .status.status=*err*|*fail*; Healthy .status.status=*appl*|Success"
        ),
        "EgressIP": "Healthy .status.items",
        "EgressService": "Healthy .status.host",
    },
    "policy.networking.k8s.io": {"*": EXISTS},
    "multicluster.x-k8s.io": {"ServiceImport": EXISTS},
    "policy.linkerd.io": {
        "AuthorizationPolicy MeshTLSAuthentication NetworkAuthentication Server ServerAuthorization": EXISTS
    },
    "linkerd.io": {"ServiceProfile": EXISTS},
    "multicluster.linkerd.io": {
        "Link": "Degraded .status.mirrorServices[].conditions[].status=False; Healthy"
    },
    "kuma.io": {"*": EXISTS},
    "kuadrant.io": {
        "AuthPolicy DNSPolicy RateLimitPolicy TLSPolicy TokenRateLimitPolicy": (
            "Degraded !Accepted; Degraded !Enforced; Healthy Accepted & Enforced"
        )
    },
    "k8gb.absa.oss": {
        "Gslb": "Degraded .status.serviceHealth[]=Unhealthy|NotFound; Healthy .status.serviceHealth[]=Healthy"
    },
    "gateway.k8s.aws": {"*": EXISTS},
    "networking.k8s.aws": {"*": EXISTS},
    "vpcresources.k8s.aws": {"*": EXISTS},
    "crd.k8s.amazonaws.com": {"ENIConfig": EXISTS},
    "*.haproxy.org": {"*": EXISTS},
    "stunner.l7mp.io": {"*": EXISTS},
}
