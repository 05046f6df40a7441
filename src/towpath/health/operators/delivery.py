"""Delivery: Argo, Flux, Flagger, Tekton, GitOps Promoter, Kargo, Pulumi, Terraform, Fleet."""

from towpath.health.operators.judges import promoter, rollouts
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_RUN = "Healthy .status.phase=Successful|Succeeded; Degraded! .status.phase=Failed|Error"
_FLUX = (
    "Suspended .spec.suspend=true; Progressing ?Ready & Reconciling; {good}; Degraded! Stalled;"
    " Progressing !Ready(DependencyNotReady); {bad}"
)
_APPLIED = _FLUX.format(good="Healthy Ready", bad="Degraded ~Ready")
_SOURCE = _FLUX.format(good="Healthy Ready & ArtifactInStorage", bad="Degraded .status.conditions")
_SUCCEEDED = "Healthy Succeeded; Degraded! !Succeeded"

ROWS: Rows = {
    "argoproj.io": {
        "AnalysisRun": f"{_RUN}; Unknown .status.phase=Inconclusive",
        "AnalysisTemplate ClusterAnalysisTemplate AppProject": EXISTS,
        "Application": rollouts.application,
        "ApplicationSet": (
            "Degraded ErrorOccurred; Degraded !ResourcesUpToDate; Progressing RolloutProgressing;"
            " Healthy ResourcesUpToDate"
        ),
        "ArgoCD": "Healthy .status.phase=Available; Degraded .status.phase=Failed",
        "ClusterWorkflowTemplate WorkflowTemplate": EXISTS,
        "CronWorkflow": "Degraded SpecError; Degraded SubmissionError; Suspended .spec.suspend=true; Healthy",
        "EventBus": "Degraded !Deployed; Healthy Deployed",
        "EventSource": "Degraded !*; Healthy Deployed & SourcesProvided",
        "Experiment": _RUN,
        "Rollout": rollouts.rollout,
        "Sensor": "Degraded !*; Healthy Deployed & TriggersProvided",
        "Workflow": (
            "Suspended .spec.suspend=true; Healthy .status.phase=Succeeded;"
            " Degraded! .status.phase=Failed|Error; Progressing !.status.phase;"
            " Progressing .status.phase=Pending|Running; Unknown"
        ),
    },
    "argocd-image-updater.argoproj.io": {"*": f"Degraded Error; Progressing Reconciling; {READY}"},
    "promoter.argoproj.io": {
        "ArgoCDCommitStatus": (
            "Degraded !Ready; Degraded Ready & !.status.applicationsSelected; Healthy Ready"
        ),
        "ChangeTransferPolicy": promoter.change_transfer_policy,
        "GitCommitStatus TimedCommitStatus WebRequestCommitStatus": promoter.gate,
        "PromotionStrategy": promoter.promotion_strategy,
        "PullRequest": "Degraded !Ready; Degraded !Reconciled; Healthy Ready; Healthy Reconciled",
        "*": READY,
    },
    "kustomize.toolkit.fluxcd.io": {"*": _APPLIED},
    "helm.toolkit.fluxcd.io": {
        "HelmRelease": _FLUX.format(
            good="Healthy Ready & Released; Healthy Ready & TestSuccess",
            bad="Degraded .status.conditions",
        )
    },
    "source.toolkit.fluxcd.io": {
        "HelmRepository": f"Suspended .spec.suspend=true; Healthy .spec.type=oci; {_SOURCE}",
        "*": _SOURCE,
    },
    "image.toolkit.fluxcd.io": {
        "ImagePolicy": (
            "Suspended .spec.suspend=true; Healthy Ready;"
            " Progressing !Ready & Reconciling(NewGeneration|AccessingRepository|ApplyingPolicy);"
            " Progressing ?Ready & Reconciling; Degraded .status.conditions"
        ),
        "*": _APPLIED,
    },
    "notification.toolkit.fluxcd.io": {
        "Alert Provider": "Suspended .spec.suspend=true; Healthy Ready; Degraded !Ready; Healthy !.status",
        "Receiver": "Suspended .spec.suspend=true; Healthy Ready; Degraded .status.conditions",
    },
    "infra.contrib.fluxcd.io": {
        "*": f"Suspended ?Ready(TerraformPlannedWithChanges) & Plan; {_APPLIED}",
    },
    "fluxcd.controlplane.io": {
        "*": (
            "Suspended .metadata.annotations[fluxcd.controlplane.io/reconcile]=disabled;"
            f" Progressing Reconciling; Progressing !Ready(DependencyNotReady); {READY}"
        )
    },
    "flagger.app": {
        "AlertProvider MetricTemplate": EXISTS,
        "Canary": (
            "Healthy .status.phase=Succeeded|Initialized; Degraded .status.phase=Failed;"
            " Suspended .status.phase=Waiting|WaitingPromotion;"
            " Progressing .status.phase=Initializing|Progressing|Finalising|Promoting|Terminating; Unknown"
        ),
    },
    "tekton.dev": {
        "PipelineRun TaskRun Run CustomRun": f"Suspended ?Succeeded(PipelineRunPending); {_SUCCEEDED}",
        "Pipeline Task ClusterTask StepAction": EXISTS,
    },
    "operator.tekton.dev": {
        "*": (
            "Degraded ErrorState; Healthy Ready; Progressing !Ready(reconcile again and proceed);"
            " Degraded !Ready"
        )
    },
    "triggers.tekton.dev": {
        "ClusterInterceptor ClusterTriggerBinding Interceptor Trigger TriggerBinding TriggerTemplate": EXISTS,
        "EventListener": f"Healthy Available & Ready; {READY}; Degraded !Available",
    },
    "kargo.akuity.io": {
        "Freight Project ProjectConfig": "Degraded !Ready; Progressing ?Ready; Healthy",
        "Promotion": (
            "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed|Errored|Aborted;"
            " Progressing .status.phase=Pending|Running"
        ),
        "Stage Warehouse": (
            "Degraded .status.health.status=Unhealthy; Progressing Reconciling; Progressing Promoting;"
            " Healthy Ready & Healthy; Healthy Ready;"
            " Progressing !Ready(Verifying|Promoting); Degraded !Ready"
        ),
    },
    "pulumi.com": {
        "Stack": "Degraded! Stalled; Progressing Reconciling; Healthy Ready",
        "*": "Progressing Reconciling; Healthy Ready; Degraded !Ready",
    },
    "app.terraform.io": {
        "Module Workspace": (
            "Degraded .status.runStatus=errored; Healthy .status.runStatus=applied;"
            " Degraded .status.runStatus.status=errored|*canceled|discarded|policy_soft_failed;"
            " Degraded .status.run.status=errored|*canceled|discarded|policy_soft_failed;"
            " Healthy .status.runStatus.status=applied|planned_and_finished;"
            " Healthy .status.run.status=applied|planned_and_finished;"
            " Progressing .status.runStatus; Progressing .status.run; Healthy .status.workspaceID"
        ),
        "*": "Healthy .status",
    },
    "kro.run": {
        "ResourceGraphDefinition": (
            "Healthy Ready; Degraded !GraphRevisionsResolved; Degraded !GraphAccepted; Degraded !KindReady;"
            " Degraded !ControllerReady; Degraded !Ready"
        ),
        "*": (
            "Degraded .status.state=FAILED|ERROR; Healthy Ready; Progressing ~Ready;"
            " Healthy .status.state=ACTIVE"
        ),
    },
    "fleet.cattle.io": {
        "Bundle GitRepo BundleDeployment HelmOp": (
            "Suspended .spec.paused=true; Degraded Stalled; Healthy Ready;"
            " Progressing .status.display.state=WaitApplied|Pending|OutOfSync; Degraded !Ready"
        ),
        "Cluster ClusterGroup": READY,
    },
    "configsync.gke.io": {
        "RootSync RepoSync": (
            "Degraded Stalled; Degraded .status.sync.errorSummary.totalCount>0; Progressing Reconciling;"
            " Degraded .status.source.errorSummary.totalCount>0;"
            " Degraded .status.rendering.errorSummary.totalCount>0; Progressing Syncing; Healthy !Syncing"
        )
    },
    "jenkins.io": {"Jenkins": "Healthy .status.userConfigurationCompletedTime"},
    "lifecycle.keptn.sh": {
        "KeptnApp KeptnEvaluationDefinition KeptnTaskDefinition KeptnWorkload": EXISTS,
    },
    "core.openfeature.dev": {"*": EXISTS},
    "pipelinesascode.tekton.dev": {"Repository": EXISTS},
    "shipwright.io": {
        "Build": "Healthy .status.registered=True; Degraded .status.registered=False",
        "BuildStrategy ClusterBuildStrategy": EXISTS,
    },
    "app.k8s.io": {"Application": f"Degraded Error; {READY}"},
    "core.oam.dev": {
        "Application": (
            "Healthy .status.status=running; Progressing .status.status=rendering|runningWorkflow|starting;"
            " Suspended .status.status=workflowSuspending; Degraded .status.status=unhealthy|workflow*"
        ),
    },
    "policy.karmada.io": {"*": EXISTS},
    "work.karmada.io": {"ResourceBinding ClusterResourceBinding": promoter.resource_binding},
    "tower.ansible.com": {
        "*": (
            "Healthy .status.isFinished & .status.ansibleJobResult.status=successful;"
            " Degraded! .status.isFinished & .status.ansibleJobResult.status=error|failed|canceled"
        )
    },
    "tests.testkube.io": {
        "TestExecution TestSuiteExecution": (
            "Healthy .status.latestExecution.status=passed; Degraded! .status.latestExecution.status=failed"
        )
    },
}
