"""Cloud resources as objects: Crossplane, AWS ACK, Azure ASO, Google Config Connector, SAP, Apigee."""

from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS

_CNRM = (
    "Healthy *(UpToDate); Degraded *(UpdateFailed|DependencyNotFound|DeleteFailed|ManagementConflict);"
    " Degraded ~*(UpdateFailed|DependencyNotFound|DeleteFailed|ManagementConflict|DependencyInvalid);"
    " Suspended ~*(DependencyNotReady); Suspended *(DependencyNotReady)"
)
_CROSSPLANE = (
    "Suspended !Synced(ReconcilePaused); Degraded !LastAsyncOperation; Degraded !Synced; Healthy Ready;"
    " Degraded !Ready(Unavailable); Healthy Healthy; Healthy Offered; Healthy Established;"
    " Healthy ValidPipeline; Healthy RevisionHealthy"
)
_PACKAGE = "Healthy Installed & Healthy; Degraded !Installed; Degraded !Healthy"
_REVISION = (
    "Degraded !Healthy; Degraded !RevisionHealthy; Degraded !RuntimeHealthy; Progressing ?RuntimeHealthy;"
    " Healthy Healthy; Healthy RevisionHealthy"
)
_CONFIGURATION = "ClusterProviderConfig ProviderConfig ProviderConfigUsage ClusterProviderConfigUsage"
_ACK = (
    "Degraded! ACK.Terminal; Degraded ACK.Recoverable; Degraded !ACK.ReferencesResolved;"
    " Progressing !Ready; Healthy Ready; Healthy ACK.ResourceSynced; Progressing !ACK.ResourceSynced"
)
_APIGEE = "Healthy .status.state=running; Degraded .status.state=error|failed"

ROWS: Rows = {
    "apiextensions.crossplane.io": {
        "Composition CompositionRevision EnvironmentConfig": "Degraded !ValidPipeline; Healthy",
        "CompositeResourceDefinition": "Progressing ~Established; Progressing ~Offered; Healthy Established",
        "ManagedResourceDefinition": "Healthy .spec.state=Inactive; Healthy Established",
        "*": _CROSSPLANE,
    },
    "pkg.crossplane.io": {
        "ControllerConfig DeploymentRuntimeConfig ImageConfig Lock": EXISTS,
        "Configuration Function Provider": _PACKAGE,
        "ConfigurationRevision FunctionRevision ProviderRevision": _REVISION,
    },
    "ops.crossplane.io": {
        "CronOperation WatchOperation": (
            "Suspended .spec.suspend=true; Degraded !Synced; Healthy Scheduling; Healthy Watching"
        ),
        "Operation": "Degraded! !Succeeded; Degraded !Synced; Healthy Succeeded",
    },
    "*.crossplane.io": {_CONFIGURATION: EXISTS, "StoreConfig Usage": EXISTS, "*": _CROSSPLANE},
    "*.upbound.io": {_CONFIGURATION: EXISTS, "StoreConfig": EXISTS, "*": _CROSSPLANE},
    "*.services.k8s.aws": {"AdoptedResource": "Healthy ACK.Adopted; Degraded !ACK.Adopted", "*": _ACK},
    "services.k8s.aws": {"*": EXISTS},
    "*.azure.com": {
        "*": "Healthy Ready; Degraded! !Ready & .status.conditions[].severity=Error; Progressing !Ready"
    },
    "core.cnrm.cloud.google.com": {
        "ConfigConnector ConfigConnectorContext": (
            "Healthy .status.healthy=true; Degraded .status.healthy=false"
        ),
        "*": EXISTS,
    },
    "iam.cnrm.cloud.google.com": {
        "*": "Healthy Ready; Degraded ~Ready(UpdateFailed|DependencyNotFound|DependencyInvalid)",
    },
    "*.cnrm.cloud.google.com": {"*": _CNRM},
    "services.cloud.sap.com": {
        "*": (
            "Degraded Failed; Progressing !Succeeded(CreateInProgress|UpdateInProgress|DeleteInProgress);"
            " Degraded !Succeeded; Healthy Succeeded; Healthy Ready; Progressing !Ready"
        )
    },
    "apigee.cloud.google.com": {"*": _APIGEE},
    "servicecatalog.k8s.io": {"*": "Degraded Failed; Healthy Ready; Progressing !Ready"},
    "sme.sap.com": {"*": "Healthy .status.state=Consistent|Ready; Degraded .status.state=Error"},
    "operator.ibm.com": {
        "*": "Healthy .status.phase=Running|Succeeded|Initialized|Updated; Degraded .status.phase=Failed"
    },
    "ibmcloud.ibm.com": {"*": "Healthy .status.state=Online; Degraded .status.state=Failed"},
    "anywhere.eks.amazonaws.com": {"*": "Degraded .status.failureMessage; Healthy Ready; Progressing !Ready"},
}
