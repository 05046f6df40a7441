"""Scaling, batch, machine learning, streams, functions: KEDA, Karpenter, Kruise, Flink, Spark, Ray."""

from towpath.health.operators.judges import counted, kruise
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_SEEN = "Progressing .status.observedGeneration<.metadata.generation"
_RESULT = ".metadata.labels[numaplane.numaproj.io/progressive-result-state]=failed"
_NUMAFLOW = (
    f"{_SEEN}; Degraded .status.phase=Failed; Degraded {_RESULT}; Degraded !*; Healthy .status.phase=%s"
)
_FAILED_CHILD = "!ChildResourcesHealthy(MonoVertexFailed|PipelineFailed|ISBSvcFailed|Degraded|Failed)"
_NUMAPLANE = (
    f"{_SEEN}; Degraded .status.phase=Failed; Degraded !ProgressiveUpgradeSucceeded;"
    " Progressing .status.upgradeInProgress; Progressing .status.phase=Pending;"
    f" Degraded {_FAILED_CHILD}; Progressing !ChildResourcesHealthy"
)
_FLINK = (
    "Progressing .status.reconciliationStatus.state=UPGRADING|ROLLING_BACK;"
    " Degraded .status.reconciliationStatus.state=ROLLED_BACK"
)
_KUBEFLOW = (
    "Degraded! Failed; Healthy Succeeded; Suspended Suspended; Suspended .spec.runPolicy.suspend=true;"
    " Progressing Restarting; Progressing Running"
)
_PAUSABLE = "Suspended Ready & Paused; Healthy Ready"

ROWS: Rows = {
    "autoscaling.k8s.io": {
        "VerticalPodAutoscaler": (
            "Degraded NoPodsMatched; Degraded ConfigUnsupported; Healthy RecommendationProvided"
        ),
        "VerticalPodAutoscalerCheckpoint": EXISTS,
    },
    "autoscaling.x-k8s.io": {
        "ProvisioningRequest": "Degraded! Failed; Healthy Provisioned; Progressing !Provisioned"
    },
    "keda.sh": {
        "ScaledJob": f"Degraded ~Ready; {_PAUSABLE}",
        "ScaledObject": f"Degraded !Ready; Degraded Fallback; {_PAUSABLE}",
        "TriggerAuthentication ClusterTriggerAuthentication": EXISTS,
    },
    "http.keda.sh": {"*": "Healthy Ready; Degraded !Ready"},
    "karpenter.sh": {
        "NodeClaim": f"Suspended Disrupting; {READY}",
        "NodePool": f"{READY}; Degraded !NodeClassReady",
    },
    "karpenter.k8s.aws": {
        "EC2NodeClass": (
            f"{READY}; Degraded !SubnetsReady; Degraded !SecurityGroupsReady; Degraded !ValidationSucceeded"
        )
    },
    "karpenter.azure.com": {"*": READY},
    "eks.amazonaws.com": {"NodeClass": READY},
    "apps.kruise.io": {
        "AdvancedCronJob": (
            "Suspended .spec.paused=true & !.status.lastScheduleTime; Progressing .status.active;"
            " Healthy .status.lastScheduleTime; Degraded"
        ),
        "BroadcastJob": (
            "Healthy .status.phase=completed & .status.desired==.status.succeeded;"
            " Degraded .status.phase=failed; Suspended .status.phase=paused"
        ),
        "CloneSet": kruise.clone_set,
        "DaemonSet": kruise.daemon_set,
        "StatefulSet": kruise.stateful_set,
        "SidecarSet": (
            "Progressing .status.updatedReadyPods<.status.matchedPods; Healthy .status.observedGeneration"
        ),
    },
    "game.kruise.io": {"GameServer": counted.game_server, "GameServerSet": kruise.game_server_set},
    "rollouts.kruise.io": {
        "Rollout": (
            f"{_SEEN};"
            " Progressing .status.phase=Progressing & .status.canaryStatus.currentStepState=StepUpgrade;"
            " Suspended .status.phase=Progressing & .status.canaryStatus.currentStepState=StepPaused;"
            " Healthy .status.phase=Healthy & .status.canaryStatus.currentStepState=Completed;"
            " Degraded .status.phase=Terminating|Disabled & .status.canaryStatus.currentStepState=StepPaused"
        )
    },
    "numaflow.numaproj.io": {
        "InterStepBufferService": _NUMAFLOW % "Running",
        "MonoVertex Vertex": _NUMAFLOW % "Running|Paused",
        "Pipeline": _NUMAFLOW % "Running|Paused|Pausing|Succeeded",
    },
    "numaplane.numaproj.io": {
        "MonoVertexRollout": (
            f"{_NUMAPLANE}; Healthy MonoVertexPausingOrPaused; Healthy ChildResourcesHealthy; Unknown"
        ),
        "NumaflowControllerRollout NumaflowController": (
            f"{_NUMAPLANE}; Healthy ChildResourcesHealthy & .status.phase=Deployed; Unknown"
        ),
        "PipelineRollout": f"{_NUMAPLANE}; Suspended PipelinePausingOrPaused; Healthy ChildResourcesHealthy",
        "*": f"{_NUMAPLANE}; Healthy ChildResourcesHealthy",
    },
    "flink.apache.org": {
        "FlinkBlueGreenDeployment": (
            f"{_FLINK}; Degraded .status.blueGreenState=ACTIVE_* & .status.jobStatus.state=RESTARTING;"
            " Healthy .status.blueGreenState=ACTIVE_*"
        ),
        "FlinkDeployment": (
            f"{_SEEN}; Progressing !.status.observedGeneration; {_FLINK};"
            " Degraded .status.lifecycleState=STABLE & .status.jobStatus.state=RESTARTING;"
            " Healthy .status.lifecycleState=STABLE; Degraded .status.lifecycleState=FAILED|ROLLED_BACK;"
            " Suspended .status.lifecycleState=SUSPENDED;"
            " Progressing .status.lifecycleState=DEPLOYED|UPGRADING|ROLLING_BACK;"
            " Healthy .status.jobStatus.state=FINISHED;"
            " Suspended .status.jobStatus.state=SUSPENDED|CANCELLING|CANCELED"
        ),
        "FlinkSessionJob": (
            "Healthy .status.jobStatus.state=RUNNING|FINISHED;"
            " Progressing .status.jobStatus.state=RECONCILING|CREATED;"
            " Suspended .status.jobStatus.state=SUSPENDED|CANCELED;"
            " Degraded .status.jobStatus.state=FAILED; Degraded .status.error"
        ),
        "FlinkStateSnapshot": "Healthy .status.state=COMPLETED; Degraded! .status.state=FAILED|ABANDONED",
    },
    "sparkoperator.k8s.io": {
        "ScheduledSparkApplication": (
            "Suspended .spec.suspend=true; Healthy .status.scheduleState=Scheduled;"
            " Degraded .status.scheduleState=FailedValidation"
        ),
        "SparkApplication": counted.spark_application,
        "SparkConnect": "Healthy .status.state=Ready; Degraded .status.state=Failed",
    },
    "ray.io": {
        "RayCluster": (
            "Suspended .spec.suspend=true; Suspended .status.state=suspended; Degraded .status.state=failed;"
            " Degraded ReplicaFailure; Healthy .status.state=ready;"
            " Healthy HeadPodReady & RayClusterProvisioned"
        ),
        "RayJob": (
            "Suspended .spec.suspend=true; Degraded! .status.jobDeploymentStatus=Failed|ValidationFailed;"
            " Degraded! .status.jobStatus=FAILED|STOPPED;"
            " Healthy .status.jobStatus=SUCCEEDED; Suspended .status.jobDeploymentStatus=Suspended"
        ),
        "RayService": (
            "Healthy Ready; Degraded .status.serviceStatus=*Fail*; Progressing ~Ready;"
            " Healthy .status.serviceStatus=Running"
        ),
    },
    "serving.kserve.io": {
        "ClusterServingRuntime ServingRuntime ClusterStorageContainer LLMInferenceServiceConfig": EXISTS,
        "InferenceService": kruise.inference_service,
        "Predictor": (
            "Healthy .status.available=true; Degraded .status.activeModelState=FailedToLoad;"
            " Degraded .status.transitionStatus=BlockedByFailedLoad|InvalidSpec"
        ),
        "LocalModelCache": (
            "Degraded .status.nodeStatus[]=*Error; Progressing .status.nodeStatus[]!=NodeDownloaded;"
            " Healthy .status.nodeStatus"
        ),
        "LLMInferenceService": "Suspended ~*(Stopped); Suspended *(Stopped); Healthy Ready; Degraded !Ready",
        "*": "Degraded !Ready; Healthy Ready",
    },
    "kubeflow.org": {
        "Notebook": (
            "Suspended .metadata.annotations[kubeflow-resource-stopped]; Healthy Ready; Degraded !Ready"
        ),
        "PVCViewer": "Healthy .status.ready=true",
        "PodDefault": EXISTS,
        "Profile": "Degraded Failed; Healthy Successful",
        "ScheduledWorkflow": (
            "Degraded Error; Suspended .spec.enabled=false; Suspended Disabled; Healthy Enabled;"
            " Healthy Running; Healthy Succeeded"
        ),
        "*": _KUBEFLOW,
    },
    "trainer.kubeflow.org": {
        "TrainJob": "Degraded! Failed; Healthy Complete; Suspended Suspended",
        "*": EXISTS,
    },
    "machinelearning.seldon.io": {
        "SeldonDeployment": "Healthy .status.state=Available; Degraded .status.state=Failed",
        "*": READY,
    },
    "kueue.x-k8s.io": {
        "ClusterQueue LocalQueue": "Healthy Active; Suspended !Active(Stopped); Degraded !Active",
        "AdmissionCheck": "Healthy Active; Degraded !Active",
        "ResourceFlavor WorkloadPriorityClass Cohort Topology": EXISTS,
        "Workload": (
            "Degraded! Finished(JobFailed|Failed|AdmissionChecksRejected|OutOfSync); Healthy Finished;"
            " Degraded! Evicted(DeactivatedDueToRequeuingLimitExceeded"
            "|DeactivatedDueToMaximumExecutionTimeExceeded|DeactivatedDueToAdmissionCheck);"
            " Suspended .spec.active=false; Progressing Admitted & !PodsReady; Healthy Admitted;"
            " Progressing QuotaReserved"
        ),
    },
    "scheduling.run.ai": {"Queue": EXISTS},
    "compute.functionmesh.io": {
        "*": "Progressing .status.conditions[].status=False; Healthy .status.conditions[].status=True"
    },
    "jobset.x-k8s.io": {
        "JobSet": "Degraded! Failed; Healthy Completed; Suspended Suspended; Suspended .spec.suspend=true"
    },
    "leaderworkerset.x-k8s.io": {"LeaderWorkerSet": "Progressing Progressing; Healthy Available"},
    "workload.codeflare.dev": {
        "AppWrapper": (
            "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed; Suspended .spec.suspend=true;"
            " Suspended .status.phase=Suspended|Suspending"
        )
    },
    "agones.dev": {
        "Fleet": counted.fleet,
        "GameServer": (
            "Healthy .status.state=Ready|Allocated|Reserved;"
            " Degraded .status.state=Unhealthy|Error; Progressing .status.state"
        ),
    },
    "kube-green.com": {"SleepInfo": EXISTS},
    "yunikorn.apache.org": {
        "Application": (
            "Healthy .status.appStatus=Completed; Degraded! .status.appStatus=Failed|Rejected|Killed"
        )
    },
    "batch.volcano.sh": {
        "Job": (
            "Healthy .status.state.phase=Completed;"
            " Degraded! .status.state.phase=Failed|Aborted|Terminated;"
            " Suspended .status.state.phase=Aborting"
        )
    },
    "scheduling.volcano.sh": {
        "PodGroup": "Healthy .status.phase=Running|Completed; Degraded .status.phase=Unknown",
        "Queue": (
            "Healthy .status.state=Open; Suspended .status.state=Closed|Closing;"
            " Degraded .status.state=Unknown"
        ),
    },
    "core.spinkube.dev": {
        "SpinApp": (
            "Progressing Available & .status.readyReplicas<.spec.replicas;"
            " Progressing Available & Progressing(!NewReplicaSetAvailable);"
            " Healthy Available; Degraded"
        ),
        "SpinAppExecutor": EXISTS,
    },
    "camel.apache.org": {
        "Build": "Healthy .status.phase=Succeeded; Degraded! .status.phase=Failed|Error|Interrupted",
        "Integration Pipe KameletBinding": (
            "Degraded .status.phase=Error; Healthy Ready; Progressing .status.phase!=Running|Ready;"
            " Degraded !Ready"
        ),
        "IntegrationPlatform IntegrationProfile": "Healthy .status.phase=Ready; Degraded .status.phase=Error",
        "IntegrationKit Kamelet": "Healthy .status.phase=Ready; Degraded .status.phase=Error",
        "*": "Degraded .status.phase=Error; Degraded !Ready; Healthy Ready",
    },
    "temporal.io": {
        "TemporalCluster": "Degraded ReconcileError; Healthy Ready; Progressing !Ready",
        "*": "Degraded ReconcileError; Healthy ReconcileSuccess; Healthy Ready; Degraded !Ready",
    },
    "apps.nvidia.com": {
        "*": "Healthy .status.state=Ready; Degraded .status.state=Failed; Progressing .status.state"
    },
    "kubeai.org": {
        "Model": "Progressing .status.replicas.ready<.status.replicas.all; Healthy .status.replicas"
    },
    "actions.summerwind.dev": {"HorizontalRunnerAutoscaler": EXISTS},
    "wildfly.org": {"WildFlyServer": "Progressing .status.pods[].state!=ACTIVE; Healthy .status.pods"},
    "dapr.io": {"*": EXISTS},
    "openfaas.com": {"Function": "Degraded !Ready; Degraded !Healthy; Healthy Ready; Unknown !.status"},
    "execution.furiko.io": {
        "Job": (
            "Healthy .status.phase=Succeeded;"
            " Degraded! .status.phase=Failed|RetryLimitExceeded|AdmissionError|Killed*"
        ),
        "JobConfig": EXISTS,
    },
    "kubernetes.dask.org": {
        "DaskCluster": "Healthy .status.phase=Running; Degraded .status.phase=Error",
        "DaskJob": "Healthy .status.jobStatus=Successful; Degraded! .status.jobStatus=Failed",
    },
    "actions.github.com": {
        "AutoscalingRunnerSet": (
            "Degraded .status.phase=Outdated; Degraded .status.state=Failed|Outdated;"
            " Progressing .status.phase=Pending; Healthy .status"
        ),
        "EphemeralRunner": "Healthy .status.phase=Running|Succeeded; Degraded .status.phase=Failed",
        "AutoscalingListener": EXISTS,
        "EphemeralRunnerSet": "Degraded .status.phase=Outdated; Healthy",
    },
    "k6.io": {"TestRun K6": "Healthy .status.stage=finished; Degraded! .status.stage=error"},
    "litmuschaos.io": {
        "ChaosEngine": "Healthy .status.engineStatus=completed; Suspended .status.engineStatus=stopped",
        "ChaosExperiment": EXISTS,
        "ChaosResult": (
            "Healthy .status.experimentStatus.verdict=Pass;"
            " Suspended .status.experimentStatus.verdict=Stopped;"
            " Degraded! .status.experimentStatus.verdict=Fail|Error"
        ),
    },
    "chaos-mesh.org": {
        "Schedule": "Suspended .metadata.annotations[experiment.chaos-mesh.org/pause]=true; Healthy .status",
        "Workflow WorkflowNode": "Healthy Accomplished",
        "*": "Suspended Paused; Healthy AllInjected; Healthy AllRecovered",
    },
}
