"""OpenShift, OLM, 3scale and Red Hat's other operators."""

from towpath.health.operators.judges import newest, openshift_route
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_OPERATOR = "Degraded Degraded; Progressing Progressing; Healthy Available; Degraded !Available"
_TRUE = "Degraded Invalid; Degraded Orphan; Degraded Failed; {more}"
_3SCALE_READY = _TRUE.format(more="Healthy Ready")

ROWS: Rows = {
    "apps.openshift.io": {
        "DeploymentConfig": (
            "Suspended .spec.paused=true; Degraded !Progressing;"
            " Progressing Progressing(NewReplicationControllerCreated|ReplicationControllerUpdated);"
            " Healthy Available & Progressing"
        )
    },
    "route.openshift.io": {"Route": openshift_route.route},
    "build.openshift.io": {
        "Build": (
            "Healthy .status.phase=Complete; Degraded! .status.phase=Failed|Error|Cancelled;"
            " Progressing .status.phase"
        ),
        "BuildConfig": EXISTS,
    },
    "image.openshift.io": {"ImageStream": "Degraded .status.tags[].conditions[].status=False; Healthy"},
    "config.openshift.io": {
        "ClusterOperator": _OPERATOR,
        "ClusterVersion": "Degraded Failing; Degraded Invalid; Progressing Progressing; Healthy Available",
        "*": EXISTS,
    },
    "cloudcredential.openshift.io": {
        "CredentialsRequest": "Suspended Ignored; Degraded *; Healthy .status.provisioned=true"
    },
    "operator.openshift.io": {
        "ImageContentSourcePolicy": EXISTS,
        "IngressController": (
            "Degraded !Admitted; Degraded Degraded; Progressing !DeploymentReplicasAllAvailable;"
            " Progressing Progressing;"
            " Healthy Available"
        ),
        "*": "Degraded *Degraded; Progressing *Progressing; Degraded !*Available; Healthy *Available",
    },
    "machineconfiguration.openshift.io": {
        "ContainerRuntimeConfig KubeletConfig": newest.machine_config,
        "MachineConfig": EXISTS,
        "MachineConfigNode": "Degraded NodeDegraded; Healthy Updated",
        "MachineConfigPool": (
            "Suspended .spec.paused=true; Degraded Degraded; Degraded NodeDegraded; Degraded RenderDegraded;"
            " Progressing Updating; Healthy Updated"
        ),
    },
    "machine.openshift.io": {
        "Machine": (
            "Healthy .status.phase=Running; Degraded .status.phase=Failed; Degraded .status.errorMessage"
        ),
        "MachineSet": (
            "Degraded .status.errorMessage;"
            " Progressing .status.readyReplicas<.spec.replicas;"
            " Healthy .status.observedGeneration"
        ),
        "MachineHealthCheck": (
            "Degraded .status.currentHealthy<.status.expectedMachines;"
            " Healthy .status.currentHealthy==.status.expectedMachines"
        ),
    },
    "autoscaling.openshift.io": {"*": EXISTS},
    "ptp.openshift.io": {"*": EXISTS},
    "security.openshift.io": {"*": EXISTS},
    "console.openshift.io": {"*": EXISTS},
    "project.openshift.io": {
        "Project": "Healthy .status.phase=Active; Progressing .status.phase=Terminating"
    },
    "template.openshift.io": {"TemplateInstance": "Degraded! InstantiateFailure; Healthy Ready", "*": EXISTS},
    "operators.coreos.com": {
        "CatalogSource": (
            "Healthy .status.connectionState.lastObservedState=READY;"
            " Degraded .status.connectionState.lastObservedState=TRANSIENT_FAILURE|SHUTDOWN;"
            " Degraded .status.reason=*Error|*Invalid*"
        ),
        "ClusterServiceVersion": (
            "Healthy .status.phase=Succeeded; Degraded .status.phase=Failed|Unknown;"
            " Progressing .status.phase"
        ),
        "InstallPlan": (
            "Suspended .status.phase=RequiresApproval; Healthy .status.phase=Complete;"
            " Degraded .status.phase=Failed"
        ),
        "OperatorCondition": "Degraded !Upgradeable; Healthy",
        "OperatorGroup": "Degraded *; Healthy",
        "Subscription": (
            "Degraded CatalogSourcesUnhealthy; Degraded InstallPlanFailed; Degraded ResolutionFailed;"
            " Degraded InstallPlanMissing(!ReferencedInstallPlanNotFound);"
            " Degraded ~InstallPlanMissing(!ReferencedInstallPlanNotFound);"
            " Degraded BundleUnpackFailed; Progressing BundleUnpacking; Progressing InstallPlanPending;"
            " Healthy .status.conditions"
        ),
        "OLMConfig Operator": EXISTS,
        "*": "Degraded !*; Healthy",
    },
    "olm.operatorframework.io": {
        "ClusterCatalog": "Degraded !Serving; Progressing Progressing(Retrying); Healthy Serving",
        "ClusterExtension": (
            "Degraded !Installed(Failed); Degraded Progressing(Retrying);"
            " Degraded !Progressing; Progressing Progressing(RolloutInProgress); Healthy Installed"
        ),
    },
    "apps.3scale.net": {
        "APIManager": (
            "Healthy .status.deployments.ready & !.status.deployments.starting"
            " & !.status.deployments.stopped;"
            " Healthy Available; Degraded ~Available & .status.conditions[].reason"
        ),
        "*": READY,
    },
    "capabilities.3scale.net": {
        "Application": (
            "Suspended .status.state=suspended; Healthy Ready; Degraded ~Ready & !.status.adminId"
        ),
        "DeveloperAccount": _TRUE.format(more="Healthy Ready; Suspended Waiting"),
        "DeveloperUser": f"Suspended .status.developerUserState=suspended; {_3SCALE_READY}",
        "Backend Product": _TRUE.format(more="Healthy Synced"),
        "OpenAPI": _TRUE.format(more="Healthy Ready; Healthy Synced"),
        "ProxyConfigPromote": "Healthy Ready; Progressing In-progress; Degraded Failed",
        "Tenant": (
            "Healthy Ready & .status.tenantId>0 & .status.adminId>0; Degraded ~Ready;"
            " Healthy .status.tenantId>0 & .status.adminId>0 & !.status.conditions"
        ),
        "*": _3SCALE_READY,
    },
    "quay.redhat.com": {
        "QuayRegistry": (
            "Degraded RolloutBlocked; Degraded !Available(!MigrationsInProgress); Healthy Available"
        )
    },
    "integreatly.org": {"*": "Healthy .status.phase=completed|complete; Degraded .status.phase=failed"},
    "logging.openshift.io": {
        "*": "Degraded Degraded; Healthy Ready; Degraded !Ready; Healthy observability.openshift.io/Valid"
    },
    "observability.openshift.io": {
        "UIPlugin": "Degraded !Reconciled; Healthy Available; Degraded !Available",
        "*": "Degraded !*Valid*; Healthy Ready; Degraded !Ready",
    },
    "loki.grafana.com": {
        "LokiStack": "Degraded Degraded; Degraded Failed; Progressing Pending; Healthy Ready",
        "*": EXISTS,
    },
    "tempo.grafana.com": {
        "*": "Degraded Failed; Degraded ConfigurationError; Progressing Pending; Healthy Ready"
    },
    "maistra.io": {
        "ServiceMeshControlPlane": "Degraded !Reconciled(ReconcileError); Healthy Ready; Progressing !Ready",
        "*": READY,
    },
    "nfd.openshift.io": {"NodeFeature NodeFeatureRule": EXISTS, "*": _OPERATOR},
    "nfd.k8s-sigs.io": {"*": EXISTS},
    "kmm.sigs.x-k8s.io": {
        "Module": (
            "Progressing .status.moduleLoader.availableNumber<.status.moduleLoader.desiredNumber;"
            " Progressing .status.devicePlugin.availableNumber<.status.devicePlugin.desiredNumber;"
            " Healthy .status.moduleLoader"
        )
    },
    "platform.stackrox.io": {
        "*": "Degraded Irreconcilable; Degraded ReleaseFailed; Progressing Progressing; Healthy Deployed"
    },
    "apps.open-cluster-management.io": {
        "Subscription": "Healthy .status.phase=Propagated|Subscribed; Degraded .status.phase=*Failed",
        "Channel Deployable": EXISTS,
    },
    "nvidia.com": {
        "ClusterPolicy": "Healthy .status.state=ready; Degraded .status.state=disabled|error",
        "NVIDIADriver": (
            "Healthy .status.state=ready; Suspended .status.state=disabled|ignored;"
            " Degraded .status.state=error"
        ),
    },
    "sriovnetwork.openshift.io": {
        "*": (
            "Degraded .status.syncStatus=Failed; Healthy .status.syncStatus=Succeeded;"
            " Progressing .status.syncStatus; Healthy"
        )
    },
    "tuned.openshift.io": {"*": "Degraded Degraded; Healthy"},
    "datasciencecluster.opendatahub.io": {
        "*": "Degraded Degraded; Healthy Ready; Healthy .status.phase=Ready; Degraded !Ready"
    },
}
