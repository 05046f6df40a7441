"""Clusters, machines and virtual machines: Cluster API, Metal3, Gardener, HyperShift, KubeVirt, Rancher."""

from towpath.health.operators.judges import counted
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_OPENSHIFT = "Degraded Degraded; Healthy Available; Progressing Progressing"
_REPLICAS = " & .status.replicas==.status.updatedReplicas & .status.replicas==.status.readyReplicas"
_INVALID = "".join(
    f"Degraded !{name}; "
    for name in (
        "ValidGeneratedPayload",
        "ValidPlatformImage",
        "ValidReleaseImage",
        "ValidMachineConfig",
        "ValidTuningConfig",
        "ValidPlatformConfig",
        "ValidMachineTemplate",
        "UpdateManagementEnabled",
        "SupportedVersionSkew",
    )
)

ROWS: Rows = {
    "cluster.x-k8s.io": {
        "Cluster": (
            "Suspended .spec.paused=true; Degraded .status.phase=Failed;"
            " Progressing !Ready & .status.conditions[].severity=Info & .status.phase=Pending|Provisioning;"
            " Degraded !Ready; Progressing RollingOut; Progressing !Available;"
            " Healthy .status.phase=Provisioned"
        ),
        "ClusterClass": EXISTS,
        "Machine": "Healthy .status.phase=Running; Degraded .status.phase=Failed",
        "MachineDeployment": (
            f"Suspended .spec.paused=true; Healthy .status.phase=Running{_REPLICAS};"
            f" Healthy .status.phase=Running{_REPLICAS.replace('updatedReplicas', 'upToDateReplicas')};"
            " Degraded .status.phase=Failed"
        ),
        "MachineHealthCheck": (
            "Healthy .status.currentHealthy==.status.expectedMachines;"
            " Degraded .status.currentHealthy<.status.expectedMachines & .status.currentHealthy"
        ),
        "MachinePool": (
            "Suspended .spec.paused=true; Healthy .status.phase=Running|Scaling;"
            " Degraded .status.phase=Failed|Unknown"
        ),
        "MachineSet": (
            "Degraded .status.failureMessage;"
            " Progressing .status.readyReplicas<.spec.replicas;"
            " Healthy .status.replicas==.status.readyReplicas"
        ),
    },
    "addons.cluster.x-k8s.io": {
        "ClusterResourceSet": "Healthy ResourcesApplied; Degraded !ResourcesApplied",
        "ClusterResourceSetBinding": EXISTS,
        "*": counted.cluster_api,
    },
    "controlplane.cluster.x-k8s.io": {
        "KubeadmControlPlane": counted.kubeadm_control_plane,
        "*": counted.cluster_api,
    },
    "*.cluster.x-k8s.io": {"*": counted.cluster_api},
    "metal3.io": {
        "BareMetalHost": (
            "Degraded .status.errorMessage; Degraded .status.operationalStatus=error;"
            " Suspended .status.operationalStatus=detached;"
            " Healthy .status.provisioning.state=provisioned|externally provisioned|available|ready"
        ),
        "FirmwareSchema HardwareData": EXISTS,
        "HostFirmwareComponents HostFirmwareSettings": "Degraded !Valid; Healthy Valid",
        "*": "Degraded .status.errorMessage; Healthy Ready; Degraded !Ready",
    },
    "ipam.metal3.io": {"*": EXISTS},
    "ipam.cluster.x-k8s.io": {"IPAddress": EXISTS},
    "brupop.bottlerocket.aws": {
        "BottlerocketShadow": (
            "Degraded .spec.state=ErrorReset; Healthy .spec.state=Idle & .status.current_state=Idle"
        )
    },
    "extensions.gardener.cloud": {
        "Cluster": EXISTS,
        "*": (
            "Degraded .status.lastOperation.state=Error|Failed|Aborted;"
            " Healthy .status.lastOperation.state=Succeeded"
        ),
    },
    "core.gardener.cloud": {
        "Shoot": (
            "Healthy .metadata.labels[shoot.gardener.cloud/status]=healthy;"
            " Progressing .metadata.labels[shoot.gardener.cloud/status]=progressing;"
            " Degraded .metadata.labels[shoot.gardener.cloud/status]=unhealthy;"
            " Unknown .metadata.labels[shoot.gardener.cloud/status]=unknown;"
            " Degraded .status.lastOperation.state=Error|Failed"
        ),
        "Seed": (
            "Degraded ~GardenletReady; Degraded .status.lastOperation.state=Error|Failed|Aborted;"
            " Progressing .status.lastOperation.state=Processing|Pending; Healthy GardenletReady"
        ),
    },
    "resources.gardener.cloud": {
        "ManagedResource": (
            "Degraded !ResourcesApplied; Degraded !ResourcesHealthy; Progressing ResourcesProgressing;"
            " Healthy ResourcesApplied & ResourcesHealthy"
        )
    },
    "hypershift.openshift.io": {
        "AWSEndpointService": (
            "Degraded !*(AWSError); Healthy AWSEndpointServiceAvailable & AWSEndpointAvailable"
        ),
        "AzurePrivateLinkService": (
            "Healthy AzurePrivateLinkServiceAvailable; Degraded ~AzurePrivateLinkServiceAvailable(AzureError)"
        ),
        "ControlPlaneComponent": (
            "Degraded !Available; Progressing !RolloutComplete; Healthy Available & RolloutComplete"
        ),
        "GCPPrivateServiceConnect": (
            "Healthy GCPPrivateServiceConnectAvailable; Degraded ~GCPPrivateServiceConnectAvailable(GCPError)"
        ),
        "HCPEtcdBackup": "Healthy BackupCompleted; Degraded! ~BackupCompleted(BackupFailed)",
        "HostedCluster": _OPENSHIFT,
        "HostedControlPlane": f"{_OPENSHIFT}; Healthy .status.ready=true",
        "NodePool": f"{_INVALID}Progressing UpdatingVersion; Progressing UpdatingConfig; Healthy Ready",
    },
    "hive.openshift.io": {
        "ClusterDeployment": (
            "Suspended .spec.powerState=Hibernating; Suspended Hibernating; Degraded ProvisionFailed;"
            " Degraded ProvisionStopped; Degraded Unreachable; Healthy .spec.installed=true"
        ),
        "Checkpoint ClusterImageSet HiveConfig SelectorSyncSet SyncSet": EXISTS,
    },
    "extensions.hive.openshift.io": {
        "AgentClusterInstall": "Degraded! Failed; Degraded !SpecSynced; Healthy Completed"
    },
    "kubevirt.io": {
        "KubeVirt": "Degraded Degraded; Progressing Progressing; Healthy Available & .status.phase=Deployed",
        "VirtualMachine": (
            "Suspended Paused; Healthy Ready;"
            " Degraded .status.printableStatus=CrashLoopBackOff|Err*|ImagePullBackOff|DataVolumeError;"
            " Progressing .status.printableStatus=Provisioning|Starting|Stopping|Migrating|Terminating"
            "|WaitingFor*;"
            " Progressing ~Ready & .status.created=true; Suspended ~Ready"
        ),
        "VirtualMachineInstance": (
            "Degraded! .status.phase=Failed; Suspended .status.phase=Succeeded;"
            " Unknown .status.phase=Unknown; Progressing .status.phase=Pending|Scheduling|Scheduled;"
            " Suspended Paused; Healthy Ready; Degraded ~Ready"
        ),
        "VirtualMachineInstanceMigration": "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed",
        "VirtualMachineInstanceReplicaSet": (
            "Suspended .spec.paused=true; Degraded ReplicaFailure;"
            " Progressing .status.readyReplicas<.spec.replicas; Healthy .status"
        ),
    },
    "instancetype.kubevirt.io": {"*": EXISTS},
    "clone.kubevirt.io": {
        "VirtualMachineClone": "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed"
    },
    "hco.kubevirt.io": {"*": "Degraded Degraded; Progressing Progressing; Healthy Available"},
    "ssp.kubevirt.io": {
        "SSP": (
            "Progressing .status.phase=Deploying; Degraded Degraded; Progressing Progressing;"
            " Healthy Available"
        )
    },
    "cdi.kubevirt.io": {
        "CDI": "Degraded Degraded; Progressing Progressing; Healthy Available",
        "CDIConfig StorageProfile": EXISTS,
        "DataImportCron": "Healthy UpToDate; Degraded !UpToDate(ImportFailed|NoDigest)",
        "DataSource": READY,
        "DataVolume": (
            "Healthy .status.phase=Succeeded; Degraded .status.phase=Failed|Unknown;"
            " Suspended .status.phase=Paused; Degraded !Running(Error)"
        ),
    },
    "forklift.konveyor.io": {
        "Migration Plan": (
            "Degraded! Failed; Degraded Critical; Suspended Canceled; Healthy Succeeded;"
            " Progressing Executing; Progressing Running; Healthy Ready"
        ),
        "*": "Degraded Critical; Healthy Ready",
    },
    "harvesterhci.io": {
        "VirtualMachineImage": "Degraded !Imported; Healthy Imported",
        "VirtualMachineBackup": "Degraded .status.error; Healthy .status.readyToUse=true",
        "*": EXISTS,
    },
    "management.cattle.io": {"Cluster": READY, "*": EXISTS},
    "provisioning.cattle.io": {
        "Cluster": ("Degraded Stalled; Progressing Reconciling; Healthy Ready; Degraded !Provisioned")
    },
    "helm.cattle.io": {
        "HelmChart": "Degraded! Failed; Healthy JobCreated; Healthy .status.jobName",
        "HelmChartConfig": EXISTS,
    },
    "upgrade.cattle.io": {
        "Plan": (
            "Degraded !Validated; Degraded !LatestResolved; Progressing .status.applying;"
            " Healthy Complete; Healthy LatestResolved"
        )
    },
    "k3s.cattle.io": {"*": EXISTS},
    "kamaji.clastix.io": {
        "TenantControlPlane": (
            "Healthy .status.kubernetesResources.version.status=Ready;"
            " Suspended .status.kubernetesResources.version.status=Sleeping;"
            " Degraded .status.kubernetesResources.version.status=NotReady"
        ),
        "DataStore": "Degraded !Ready; Healthy",
    },
    "config.projectsveltos.io": {
        "ClusterSummary": (
            "Suspended .status.reconciliationSuspended=true;"
            " Degraded .status.featureSummaries[].status=Failed*;"
            " Progressing .status.featureSummaries[].status!=Provisioned|Removed;"
            " Healthy .status.featureSummaries"
        ),
        "*": EXISTS,
    },
    "tinkerbell.org": {
        "Hardware Template": EXISTS,
        "Workflow": (
            "Healthy .status.state=STATE_SUCCESS|SUCCESS;"
            " Degraded! .status.state=STATE_FAILED|STATE_TIMEOUT|FAILED|TIMEOUT"
        ),
    },
    "nodemaintenance.medik8s.io": {
        "NodeMaintenance": "Healthy .status.phase=Succeeded; Degraded .status.phase=Failed"
    },
    "cluster.open-cluster-management.io": {
        "ManagedCluster": (
            "Degraded !HubAcceptedManagedCluster; Degraded ~ManagedClusterConditionAvailable;"
            " Healthy ManagedClusterConditionAvailable"
        ),
        "Placement": (
            "Degraded !PlacementSatisfied; Degraded PlacementMisconfigured; Healthy PlacementSatisfied"
        ),
        "*": EXISTS,
    },
    "addon.open-cluster-management.io": {
        "ManagedClusterAddOn": "Degraded Degraded; Healthy Available; Degraded !Available",
        "*": EXISTS,
    },
    "work.open-cluster-management.io": {"ManifestWork": "Degraded !Applied; Healthy Applied & Available"},
    "operator.open-cluster-management.io": {
        "MultiClusterHub": (
            "Healthy .status.phase=Running; Suspended .status.phase=Paused;"
            " Degraded .status.phase=Error|*Blocked*"
        ),
        "*": "Degraded *Degraded; Healthy Applied; Degraded !Applied",
    },
    "multicluster.openshift.io": {
        "*": "Healthy .status.phase=Available; Degraded .status.phase=Error|Failed"
    },
}
