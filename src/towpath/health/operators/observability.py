"""Metrics, logs and traces: Prometheus, VictoriaMetrics, Grafana, OpenTelemetry, Datadog, Humio."""

from towpath.health.operators.judges import counted
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS

_PROMETHEUS = (
    "Suspended .spec.paused=true; Degraded !Reconciled; Healthy Available;"
    " Progressing ~Available(SomePodsNotReady); Degraded ~Available"
)
_SELECTED = "Degraded .status.bindings[].conditions[].status=False; Healthy"
_HUMIO = (
    "Healthy .status.state=Exists; Missing .status.state=NotFound;"
    " Degraded .status.state=ConfigError|EntityTypeChanged; Unknown .status.state=Unknown"
)
_GRAFANA = (
    "Degraded FolderUIDMismatch; Degraded InvalidSpec;"
    " Degraded NoMatchingInstance; Degraded !*Synchronized; Degraded !*Applied;"
    " Healthy *Synchronized"
)
_VICTORIA = (
    "Healthy .status.updateStatus=operational; Progressing .status.updateStatus=expanding;"
    " Suspended .status.updateStatus=paused; Degraded .status.updateStatus=failed"
)

ROWS: Rows = {
    "monitoring.coreos.com": {
        "Alertmanager Prometheus PrometheusAgent ThanosRuler": _PROMETHEUS,
        "*": _SELECTED,
    },
    "monitoring.thanos.io": {"*": "Suspended .spec.paused=true; Degraded !Reconcile; Healthy Reconcile"},
    "monitoring.rhobs": {
        "Alertmanager Prometheus PrometheusAgent ThanosRuler": _PROMETHEUS,
        "MonitoringStack": "Degraded !Available; Degraded !Reconciled; Healthy Available",
        "*": _SELECTED,
    },
    "operator.victoriametrics.com": {
        "VMAlertmanagerConfig VMNodeScrape VMPodScrape VMProbe VMRule VMScrapeConfig VMServiceScrape"
        " VMStaticScrape VMUser": f"Degraded !*Applied; {_VICTORIA}; Healthy !.status",
        "VMCluster": f"{_VICTORIA}; {_VICTORIA.replace('updateStatus', 'clusterStatus')}",
        "*": _VICTORIA,
    },
    "grafana.integreatly.org": {
        "Grafana": (
            "Suspended .spec.suspend=true; Degraded .status.stageStatus=failed;"
            " Healthy .status.stage=complete & .status.stageStatus=success"
        ),
        "GrafanaDashboard": f"Suspended .spec.suspend=true; {_GRAFANA}; Healthy .status.hash & .status.uid",
        "GrafanaDatasource": (
            f"Suspended .spec.suspend=true; Degraded .status.NoMatchingInstances=true; {_GRAFANA};"
            " Healthy .status.uid; Healthy .status.hash"
        ),
        "*": f"Suspended .spec.suspend=true; {_GRAFANA}",
    },
    "opentelemetry.io": {
        "Instrumentation OpAMPBridge TargetAllocator": EXISTS,
        "OpenTelemetryCollector": counted.open_telemetry_collector,
    },
    "jaegertracing.io": {"Jaeger": "Healthy .status.phase=Running; Degraded .status.phase=Failed"},
    "datadoghq.com": {
        "DatadogAgent": (
            "Degraded DatadogAgentReconcileError; Degraded !*Reconcile; Degraded .status[].state=Failed;"
            " Progressing .status[].state=Progressing|Updating; Healthy Active;"
            " Healthy .status.agent.status=Running*; Healthy .status[].state=Running"
        ),
        "DatadogMetric": "Degraded Error; Degraded !Valid; Healthy .status.conditions",
        "DatadogMonitor DatadogSLO DatadogDashboard": "Degraded Error; Healthy Active; Healthy Created",
    },
    "core.humio.com": {
        "HumioCluster": (
            "Healthy .status.state=Running; Degraded .status.state=ConfigError; Unknown .status.state=Unknown"
        ),
        "*": _HUMIO,
    },
    "coralogix.com": {"*": "Healthy RemoteSynced; Degraded !RemoteSynced"},
    "logging.banzaicloud.io": {
        "Logging": (
            "Degraded .status.configCheckResults[]=false; Degraded .status.problemsCount>0; Healthy .status"
        ),
        "FluentbitAgent LoggingRoute NodeAgent": "Degraded .status.problemsCount>0; Healthy",
        "*": "Degraded .status.active=false; Degraded .status.problemsCount>0; Healthy .status.active=true",
    },
    "logging-extensions.banzaicloud.io": {"*": EXISTS},
    "fluentbit.fluent.io": {"*": EXISTS},
    "fluentd.fluent.io": {"*": EXISTS},
    "instana.io": {
        "*": (
            "Degraded !ReconcileSucceeded; Progressing !All*; Healthy .status.status=OK|Running;"
            " Degraded .status.status; Healthy ReconcileSucceeded"
        )
    },
    "newrelic.com": {
        "Instrumentation": (
            "Degraded .status.podsUnhealthy>0; Progressing .status.podsNotReady>0;"
            " Healthy .status.podsMatching>0"
        )
    },
    "dynatrace.com": {"*": "Healthy .status.phase=Running; Degraded .status.phase=Error"},
    "sloth.slok.dev": {
        "PrometheusServiceLevel": "Healthy .status.promOpRulesGenerated=true; Degraded .status"
    },
    "pyrra.dev": {"*": EXISTS},
    "metrics.k8s.io": {"*": EXISTS},
    "endpointmonitor.stakater.com": {"*": EXISTS},
    "observability.open-cluster-management.io": {
        "MultiClusterObservability": "Degraded Failed; Suspended MetricsDisabled; Healthy Ready"
    },
}
