"""Secrets, identities and policies: External Secrets, Vault, Sealed Secrets, Kyverno, Gatekeeper, Capsule."""

from towpath.health.operators.judges import newest
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_BAD_READY = "Degraded ~Ready"
_KYVERNO = (
    "Progressing .status.conditionStatus.conditions[].observedGeneration<.metadata.generation;"
    " Healthy .status.conditionStatus.ready=true; Degraded .status.conditionStatus"
)

ROWS: Rows = {
    "external-secrets.io": {
        "ClusterExternalSecret": "Degraded NotReady; Degraded PartiallyReady; Healthy Ready; Degraded !Ready",
        "*": "Degraded !Ready; Healthy Ready",
    },
    "generators.external-secrets.io": {"*": EXISTS},
    "bitnami.com": {"SealedSecret": "Degraded !Synced; Healthy Synced"},
    "secrets.hashicorp.com": {
        "VaultAuth VaultConnection VaultAuthGlobal HCPAuth SecretTransformation": (
            "Healthy .status.valid=true; Degraded .status.valid=false"
        ),
        "VaultStaticSecret VaultDynamicSecret VaultPKISecret HCPVaultSecretsApp": (
            "Degraded !Ready; Degraded !Healthy; Healthy Ready; Healthy Healthy; Degraded !SecretSynced;"
            " Degraded .status.valid=false; Healthy SecretSynced; Healthy .status.secretMAC;"
            " Healthy .status.lastRenewalTime; Healthy .status.serialNumber"
        ),
    },
    "redhatcop.redhat.io": {"*": newest.outcome},
    "onepassword.com": {"OnePasswordItem": READY},
    "secrets-store.csi.x-k8s.io": {"*": EXISTS},
    "secrets.infisical.com": {"*": "Degraded !*; Healthy secrets.infisical.com/ReadyToSyncSecrets"},
    "secrets.doppler.com": {"*": "Degraded !*; Healthy secrets.doppler.com/SecretSyncReady"},
    "isindir.github.com": {
        "SopsSecret": (
            "Suspended .spec.suspend=true; Healthy .status.message=Healthy; Degraded .status.message"
        )
    },
    "k8s.bitwarden.com": {
        "BitwardenSecret": "Degraded FailedSync; Degraded !FailedSync; Healthy SuccessfulSync"
    },
    "spv.no": {"AzureKeyVaultSecret": "Healthy .status.lastAzureUpdate", "AzureKeyVaultIdentity": EXISTS},
    "v1.edp.epam.com": {"*": "Healthy .status.value=OK; Degraded .status.value"},
    "addons.projectcapsule.dev": {"*": READY},
    "capsule.clastix.io": {
        "GlobalProxySettings ProxySetting": EXISTS,
        "ResourcePool": f"Degraded .status.exhaustions; {READY}",
        "ResourcePoolClaim": f"Suspended !Bound; {READY}; Healthy Bound",
        "GlobalTenantResource TenantResource": (
            f"Suspended .spec.cordoned=true; Suspended Cordoned; {READY}; Healthy .status.processedItems"
        ),
        "Tenant": (
            "Suspended .spec.cordoned=true; Suspended Cordoned; Suspended .status.state=Cordoned;"
            f" {READY}; Healthy .status.state=Active"
        ),
        "*": f"Suspended .spec.cordoned=true; Suspended Cordoned; {READY}",
    },
    "kyverno.io": {
        "ClusterPolicy Policy": f"Healthy Ready; {_BAD_READY}; Healthy .status.ready=true",
        "ClusterCleanupPolicy CleanupPolicy": "Degraded !Ready; Healthy",
        "UpdateRequest": (
            "Healthy .status.state=Completed|Skip; Degraded .status.state=Failed;"
            " Progressing .status.state=Pending"
        ),
        "PolicyException GlobalContextEntry": "Degraded !Ready; Healthy",
    },
    "policies.kyverno.io": {"PolicyException": EXISTS, "*": _KYVERNO},
    "templates.gatekeeper.sh": {
        "ConstraintTemplate": "Degraded .status.byPod[].errors; Healthy .status.created=true"
    },
    "constraints.gatekeeper.sh": {"*": "Degraded .status.byPod[].errors; Healthy .status.byPod"},
    "config.gatekeeper.sh": {"*": EXISTS},
    "expansion.gatekeeper.sh": {"*": "Degraded .status.byPod[].errors; Healthy .status.byPod"},
    "externaldata.gatekeeper.sh": {"*": EXISTS},
    "status.gatekeeper.sh": {"*": EXISTS},
    "mutations.gatekeeper.sh": {"*": "Degraded .status.byPod[].errors; Healthy .status.byPod"},
    "wgpolicyk8s.io": {"*": EXISTS},
    "reports.kyverno.io": {"*": EXISTS},
    "openreports.io": {"*": EXISTS},
    "aquasecurity.github.io": {"*": EXISTS},
    "neuvector.com": {"*": EXISTS},
    "spdx.softwarecomposition.kubescape.io": {"*": EXISTS},
    "policies.kubewarden.io": {
        "AdmissionPolicy AdmissionPolicyGroup ClusterAdmissionPolicy ClusterAdmissionPolicyGroup": (
            "Healthy .status.policyStatus=active; Degraded .status.policyStatus=unschedulable"
        )
    },
    "compliance.openshift.io": {
        "ComplianceScan ComplianceSuite": (
            "Progressing .status.phase!=DONE; Healthy .status.result=COMPLIANT|NOT-APPLICABLE;"
            " Degraded .status.result"
        ),
        "ProfileBundle": (
            "Healthy .status.dataStreamStatus=VALID; Degraded .status.dataStreamStatus=INVALID"
        ),
        "ScanSettingBinding": (
            "Suspended .status.phase=SUSPENDED; Degraded .status.phase=INVALID; Healthy Ready"
        ),
        "TailoredProfile": "Healthy .status.state=READY; Degraded .status.state=ERROR",
        "*": EXISTS,
    },
    "policy.open-cluster-management.io": {
        "CertificatePolicy": "Healthy .status.compliant=Compliant; Degraded .status.compliant",
        "ConfigurationPolicy": (
            "Progressing !.status.compliant;"
            " Progressing .status.lastEvaluatedGeneration<.metadata.generation;"
            " Progressing !.status.compliancyDetails; Healthy .status.compliant=Compliant;"
            " Degraded .status.compliant"
        ),
        "OperatorPolicy": "Healthy Compliant; Degraded ~Compliant",
        "Policy": (
            "Healthy .spec.disabled=true; Healthy .status.compliant=Compliant;"
            " Progressing .status.compliant=Pending; Degraded .status.compliant;"
            " Healthy .status.placement & !.status.status"
        ),
        "PlacementBinding PolicyAutomation": EXISTS,
        "PolicySet": (
            "Healthy .status.compliant=Compliant; Progressing .status.compliant=Pending;"
            " Degraded .status.compliant"
        ),
    },
    "k8s.keycloak.org": {
        "Keycloak": "Degraded HasErrors; Healthy Ready",
        "KeycloakRealmImport": "Degraded HasErrors; Healthy Done",
    },
    "keycloak.org": {"*": "Healthy .status.ready=true; Degraded .status.phase=failing"},
    "dex.coreos.com": {"*": EXISTS},
    "hnc.x-k8s.io": {
        "HierarchicalResourceQuota": EXISTS,
        "SubnamespaceAnchor": (
            "Healthy .status.status=Ok; Degraded .status.status=Conflict|Forbidden|Missing"
        ),
        "HierarchyConfiguration": "Degraded *; Healthy",
    },
    "spire.spiffe.io": {"*": EXISTS},
    "hydra.ory.sh": {
        "OAuth2Client": (
            "Degraded .status.reconciliationError.statusCode; Healthy Ready; Degraded !Ready;"
            " Healthy .status.observedGeneration"
        )
    },
    "oathkeeper.ory.sh": {
        "Rule": "Healthy .status.validation.valid=true; Degraded .status.validation.valid=false"
    },
    "resources.teleport.dev": {"*": "Degraded !*; Healthy SuccessfullyReconciled"},
}
