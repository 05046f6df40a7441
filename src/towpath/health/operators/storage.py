"""Volumes, objects and backups: snapshots, Ceph, Longhorn, MinIO, Velero, Trident, Astra, VolSync."""

from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_SNAPSHOT = "Healthy .status.readyToUse=true; Degraded .status.error"
_CEPH = "Degraded .status.phase=*Fail*|Error|*DeletionIsBlocked; Healthy .status.phase=Ready|Connected"
_VELERO = (
    "Healthy .status.phase=Completed;"
    " Degraded! .status.phase=FailedValidation|Failed|PartiallyFailed|*PartiallyFailed"
)
_ASTRA = "Healthy .status.state=Completed; Progressing .status.state=Running; Degraded .status.state"
_MINIO_BROKEN = (
    "Statefulset not controlled by operator|Another MinIO Tenant already exists in the namespace"
    "|Different versions across MinIO Pools"
)

ROWS: Rows = {
    "snapshot.storage.k8s.io": {
        "VolumeSnapshotClass": EXISTS,
        "VolumeSnapshot VolumeSnapshotContent": _SNAPSHOT,
    },
    "groupsnapshot.storage.k8s.io": {
        "VolumeGroupSnapshotClass": EXISTS,
        "VolumeGroupSnapshot VolumeGroupSnapshotContent": _SNAPSHOT,
    },
    "snapshot.kubevirt.io": {
        "VirtualMachineSnapshot": (
            "Degraded Failure; Degraded .status.phase=Failed; Healthy .status.readyToUse=true"
        ),
        "VirtualMachineRestore": "Degraded Failure; Healthy .status.complete=true",
    },
    "ceph.rook.io": {
        "CephCluster": (
            "Degraded .status.ceph.health=HEALTH_ERR|HEALTH_WARN;"
            " Degraded .status.state=Error;"
            " Healthy .status.ceph.health=HEALTH_OK & .status.state=Created|Connected;"
            " Healthy .status.ceph.health=HEALTH_OK & !.status.state"
        ),
        "CephObjectStoreUser CephClient": "Healthy .status.phase=Ready; Degraded .status.phase=*Fail*|Error",
        "*": _CEPH,
    },
    "objectbucket.io": {
        "ObjectBucketClaim ObjectBucket": "Healthy .status.phase=Bound; Degraded .status.phase=Failed"
    },
    "objectstorage.k8s.io": {
        "Bucket BucketClaim": "Healthy .status.bucketReady=true",
        "BucketAccess": "Healthy .status.accessGranted=true",
        "BucketClass BucketAccessClass": EXISTS,
    },
    "longhorn.io": {
        "BackupTarget": "Healthy .status.available=true; Degraded Unavailable",
        "Backup": "Healthy .status.state=Completed; Degraded .status.state=Error|Unknown",
        "BackingImage RecurringJob Setting": EXISTS,
        "BackupVolume": "Healthy .status.lastSyncedAt",
        "EngineImage": "Healthy .status.state=deployed|ready; Degraded .status.state=incompatible|error",
        "Node": "Healthy Ready; Degraded !Ready",
        "Snapshot": "Degraded .status.error; Healthy .status.readyToUse=true",
        "SystemBackup": "Healthy .status.state=Ready; Degraded .status.state=Error|Unknown",
        "SystemRestore": "Healthy .status.state=Completed; Degraded .status.state=Error|Unknown",
        "Engine Replica InstanceManager ShareManager": (
            "Healthy .status.currentState=running|stopped; Degraded .status.currentState=error|unknown"
        ),
        "Volume": (
            "Degraded .status.robustness=faulted|degraded;"
            " Healthy .status.state=attached & .status.robustness=healthy; Healthy .status.state=detached"
        ),
    },
    "minio.min.io": {
        "Tenant": (
            "Healthy .status.currentState=Initialized;"
            " Progressing .status.currentState=Provisioning*|Waiting*|Updating*|Restarting*;"
            f" Degraded .status.currentState={_MINIO_BROKEN};"
            " Missing !.status.currentState; Unknown"
        )
    },
    "velero.io": {
        "Backup": _VELERO,
        "Restore": _VELERO,
        "DeleteBackupRequest": "Degraded .status.errors; Healthy .status.phase=Processed",
        "BackupStorageLocation": ("Healthy .status.phase=Available; Degraded .status.phase=Unavailable"),
        "BackupRepository": "Healthy .status.phase=Ready; Degraded .status.phase=NotReady",
        "PodVolumeBackup PodVolumeRestore DataUpload DataDownload": (
            "Healthy .status.phase=Completed; Degraded! .status.phase=Failed; Degraded .status.phase=Canceled"
        ),
        "Schedule": (
            "Suspended .spec.paused=true; Healthy .status.phase=Enabled;"
            " Degraded! .status.phase=FailedValidation"
        ),
        "VolumeSnapshotLocation ServerStatusRequest": EXISTS,
    },
    "oadp.openshift.io": {"*": "Healthy Reconciled; Degraded !Reconciled"},
    "trident.netapp.io": {
        "TridentBackendConfig": (
            "Healthy .status.phase=Bound & .status.lastOperationStatus=Success;"
            " Degraded .status.lastOperationStatus=Failed"
        ),
        "TridentOrchestrator": "Healthy .status.status=Installed; Degraded .status.status=Failed|Error",
        "TridentVersion TridentNode TridentStorageClass": EXISTS,
    },
    "astra.netapp.io": {
        "AppVault": "Healthy .status.state=Available; Degraded .status.state=Failed",
        "Application": READY,
        "ExecHook": "Healthy .spec.enabled=true; Suspended .spec.enabled=false",
        "Schedule": EXISTS,
        "*": _ASTRA,
    },
    "volsync.backube": {
        "*": "Suspended .spec.paused=true; Degraded !Synchronizing(Error); Degraded ~Synchronizing(Error);"
        " Degraded .status.latestMoverStatus.result=Failed;"
        " Healthy .status.lastSyncTime; Healthy !Synchronizing"
    },
    "k8up.io": {
        "Schedule": "Degraded !Ready; Healthy",
        "*": "Degraded! !Completed(Failed); Degraded! Completed(Failed); Healthy Completed(Succeeded)",
    },
    "stash.appscode.com": {
        "Repository": "Degraded .status.integrity=false; Healthy .status.observedGeneration",
        "*": "Healthy .status.phase=Ready|Succeeded; Degraded .status.phase=Failed|Invalid",
    },
    "cr.kanister.io": {
        "ActionSet": "Healthy .status.state=complete; Degraded! .status.state=failed",
        "*": EXISTS,
    },
    "config.kio.kasten.io": {"*": "Healthy .status.validation=Success; Degraded .status.validation=Failed"},
    "actions.kio.kasten.io": {"*": "Healthy .status.state=Complete|Skipped; Degraded! .status.state=Failed"},
    "core.libopenstorage.org": {
        "StorageCluster": (
            "Healthy .status.phase=Online|Running; Degraded .status.phase=Failed|Degraded|Error"
        )
    },
    "storageos.com": {"*": "Healthy .status.phase=Running; Degraded .status.phase=Failed"},
    "topolvm.io": {"LogicalVolume": "Healthy .status.volumeID; Degraded .status.code"},
    "openebs.io": {
        "BlockDevice": "Healthy .status.state=Active; Degraded .status.state=Inactive|Unknown",
        "BlockDeviceClaim": "Healthy .status.phase=Bound; Degraded .status.phase=*Failed|Invalid*",
        "DiskPool": (
            "Degraded .status.pool_status=Faulted|Degraded|Unknown; Healthy .status.pool_status=Online;"
            " Healthy .status.state=Online|Created"
        ),
        "JivaVolume": "Healthy .status.phase=Ready; Degraded .status.phase=Failed",
        "*": "Healthy .status.state=Ready|Online|Created; Degraded .status.state=Failed|Offline",
    },
    "replication.storage.openshift.io": {
        "VolumeReplication VolumeGroupReplication": (
            "Degraded !Validated; Degraded !Completed; Progressing Resyncing; Healthy Completed"
        ),
        "VolumeReplicationClass VolumeGroupReplicationClass": EXISTS,
    },
    "ramendr.openshift.io": {
        "DRPlacementControl": (
            "Degraded !Protected(Error); Healthy .status.phase=Deployed|FailedOver|Relocated;"
            " Suspended .status.phase=WaitForUser"
        )
    },
    "data.fluid.io": {"Dataset": "Healthy .status.phase=Bound; Degraded .status.phase=Failed"},
    "nfs.rook.io": {"*": EXISTS},
    "ocs.openshift.io": {
        "*": (
            "Degraded Degraded; Healthy .status.phase=Ready|Connected; Healthy .status.state=Ready;"
            " Degraded .status.phase=Error|Failed; Degraded .status.state=Failed"
        )
    },
    "noobaa.io": {"*": "Healthy .status.phase=Ready; Degraded .status.phase=Rejected"},
}
