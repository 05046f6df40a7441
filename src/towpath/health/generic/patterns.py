"""Names of conditions, reasons, fields and kinds that many operators share."""

import re

NEGATIVE_TYPES = re.compile(
    r"Stalled|Invalid\w*|Irreconcilable|ErrorState|\w*(Failed|Failure|Failing|Degraded|Unhealthy|Stuck|Conflict"
    r"|Conflicted|Misconfigured|NotReady|NotAvailable|Unavailable|Unreachable|TimedOut|Timeout|NotFound)"
    r"|(?!No)\w*Errors?|ErrorOccurred|Denied|Rejected|Offline|Down|Blocked|Broken|Crashed|Aborted|Faulted"
    r"|Expired|Lost|Fallback|Missing\w*|NoMatching\w*|\w*Unsupported"
)
"""Condition types that report a problem when True."""
IN_PROGRESS_TYPES = re.compile(
    r"Reconciling|Progressing|Updating\w*|Upgrading|Creating|Deleting|Terminating|Provisioning|Initializing"
    r"|Pending|InProgress|In-progress|Deploying|Scaling|Scaling(Up|Down|In|Out)|Rebalancing|Restarting|Issuing|RollingOut|Syncing"
    r"|Installing|Promoting|Building|Preparing|Draining|Executing|Recovering|Restoring|Resizing|\w*InProgress|\w*Progressing|Rolling\w*|Migrating\w*"
)
SETTLED_REASONS = (
    "NewReplicaSetAvailable",
    "NewReplicationControllerAvailable",
    "AsExpected",
    "Completed",
    "Complete",
    "Done",
    "Succeeded",
    "CreatedDeployment",
)
"""Reasons that mean done, of a condition such as Progressing that stays True for ever."""
SUSPENDED_WORDS = re.compile(
    r"\w*(Paused|Suspended|Hibernated|Halted|Sleeping)|Stopped|Hibernating|Disabled|Cordoned|ScaledToZero|Inactive\w*|hibernation"
)
"""Condition types and reasons of an object that is suspended."""
SUMMARY_TYPES = (
    "Ready",
    "Healthy",
    "Available",
    "Succeeded",
    "Successful",
    "Completed",
    "Complete",
    "Established",
)
"""Condition types that summarize an object; the first one present counts."""
SUCCESS_REASONS = re.compile(
    r"\w*(Succeed|Succeeded|Success|Successful|Successfully|Completed|Ready|AsExpected)"
)
"""Reasons that mean success whatever the condition type."""
STARTED_TYPES = re.compile(r"\w*(Created|Accepted|Admitted|Initialized|Validated)")
"""Condition types that mean only that a run-to-completion object has begun."""
END_TYPES = ("Completed", "Complete", "Finished")
"""Condition types that are False until the work has ended."""
POSITIVE_TYPES = re.compile(
    r"\w*(Ready|Available|Healthy|Succeeded|Successful|Success|Completed|Complete|Established|Programmed"
    r"|Accepted|Admitted|Deployed|Installed|Synced|Synchronized|Reconciled|Applied|Active|Running|Valid|Validated"
    r"|Resolved|ResolvedRefs|Initialized|Provisioned|Bound|Online|Created|Compliant|Connected|Bootstrapped"
    r"|Downloaded|Configured|Registered|Joined|Built|Serving|Enforced|Verified|Finished|Propagated|Contactable|Reachable|Addressable|UpToDate|Released|Imported|Uploaded|Assigned|Allocated|Published|Attached)"
)
REQUIRED_TYPES = re.compile(
    r"\w*(Synced|Synchronized|Reconciled|ReconcileSuccess|Applied|Accepted|ResolvedRefs|Healthy)|Valid"
)
"""Positive condition types that prevent Healthy when they are present and False."""
WAITING_WORDS = re.compile(
    r"pending|creating|waiting|progress|initiali[sz]|provisioning|reconciling|starting|scheduling|not yet"
    r"|updating|upgrading|installing|deploying|scaling|bootstrap|unknown|minimumreplicas"
    r"|minimum availability|in progress|(dependenc(y|ies)|source|parent|owner|upstream)notready|awaiting"
    r"|steady state|\bwait(?!ed)",
    re.IGNORECASE,
)
NOT_YET_WORDS = re.compile(
    r"not ?(all|ready|available|provisioned|created|bound|synced|started|installed|deployed|assigned)"
    r"|unavailable",
    re.IGNORECASE,
)
"""Words that fit both work in progress and a failure: Progressing unless something else tells."""
FAILURE_WORDS = re.compile(
    r"fail(?!-?(ing)?-?over)|error|invalid|denied|forbidden|not ?found|reject|missing(?! ready)|unhealthy"
    r"|crash|cannot(?!.*\buntil\b)|could not|unfulfilled|unschedulable|unable|timed? ?out|exceeded"
    r"|exhausted|conflict|unauthorized|refused|lost\b",
    re.IGNORECASE,
)
NO_FAILURE_WORDS = re.compile(
    r"^previously: .*|\b(no|without|0) (\w+ (or|and) )?(errors?|failures?|failed)\b|\b(failed|errors?): 0\b",
    re.IGNORECASE,
)
"""Phrases that mention failures which do not exist or are past."""
STATE_KEYS = ("phase", "state", "health", "status", "currentState", "currentStatus", "result", "stage")
NESTED_STATE_KEYS = ("phase", "state", "status", "health", "code")
"""Keys of the state inside one of `STATE_KEYS` that is a mapping."""
OTHER_STATE_KEYS = re.compile(
    r"(?!previous|last|desired|target|expected|old|spec)\w+(Phase|State|Status|Health|phase|state|status)"
    r"|lastOperation|summary"
)
OUTCOME_KEYS = re.compile(r"(latest|last|current)[A-Z]\w*|result|process|execution|job|run")
"""Keys of nested outcomes, for a status without a state at its top level."""
RUN_TO_COMPLETION_KINDS = re.compile(
    r"(?!Cron|Scheduled?)\w*(Backup|Restore|Job|Run|Task|Execution|Migration|Request|Export|Import|Clone|Scan|Test"
    r"|Snapshot|Build|Operation|Session|Action|ActionSet|Promotion|Maintenance|Upgrade|Benchmark|Workflow|JobFlow|Experiment|Trial|Rollback|Rebalance)"
)
"""Kinds that run to completion, so that `Running` means Progressing."""
REPORTED_KINDS = re.compile(
    r"\w*(Cluster|Instance|Database|Deployment|Backup|Restore|Job|Run|Release|Certificate|Machine|Broker|Build"
    r"|Request|Snapshot|Installation|Migration|Execution|Claim|MachineSet|ReplicaSet|StatefulSet|Export|Workspace|Gateway)"
)
"""Kinds for which a controller creates something, so that it will report a status."""
WORKLOAD_FIELDS = ("replicas", "instances", "image", "storage")
"""Fields of a specification from which a controller creates something, so that it will report a status."""
CONFIGURATION_KINDS = re.compile(r"\w*(Template|Report|ReportSummary|ProviderConfig|ProviderConfigUsage)")
"""Kinds that are only data for others, on which no controller reports."""
READY_FLAGS = (
    "ready",
    "healthy",
    "available",
    "isReady",
    "valid",
    "accepted",
    "succeeded",
    "synced",
    "deployed",
    "status",
    "success",
    "issuccess",
    "reconciled",
    "attached",
    "readyToUse",
    "provisioned",
    "installed",
    "connected",
    "registered",
)
"""Booleans, or ratios such as `2/3`, that summarize an object."""
RATIO = re.compile(r"(\d{1,9})/(\d{1,9})")
SUSPEND_FIELDS = ("suspend", "suspended", "paused", "pause", "halted", "hibernate", "stopped", "shutdown")
"""Boolean fields of a specification that suspend its controller."""
DESIRED_STATE_FIELDS = ("state", "desiredState", "powerState", "clusterState")
PAUSE_ANNOTATIONS = re.compile(
    r"[\w.-]+/(pause|paused|suspend|suspended|pause-reconciliation|reconciliation-paused|reconcile-paused)"
)
RECONCILE_ANNOTATIONS = re.compile(r"[\w.-]+/(reconcile|reconciliation|reconciliationLoop)")
"""Annotations that suspend a controller: the former when `true`, the latter when `disabled`."""
ENABLE_FIELDS = {"enable": False, "enabled": False, "disable": True, "disabled": True}
"""Fields of a specification that disable the object, with the value that does so."""
PENDING_REASONS = re.compile(r"\w*(InProgress|Pending)|Progressing|Processing|Waiting\w*")
"""Reasons of a condition that is False only until some work has ended."""
UNRELATED_KEYS = re.compile(r"(previous|old|desired|target|expected|spec)\w*|\w*conditions?", re.IGNORECASE)
"""Keys of a status that do not describe the current state."""
RUNNING_WORDS = re.compile(
    r"(?<![a-z])(running|active|started|initialized|executing|in ?use)(?![a-z])", re.IGNORECASE
)
COUNT_FIELDS = (
    ("readyReplicas", "replicas"),
    ("availableReplicas", "replicas"),
    ("readyInstances", "instances"),
    ("readyNodes", "nodes"),
    ("readyMembers", "members"),
    ("numberReady", "desiredNumberScheduled"),
)
READY_COUNT_FIELD = re.compile(r"(ready|available|healthy|running|online)([A-Z]\w*)")
DESIRED_PREFIXES = ("desired", "expected", "expect", "target", "total", "wanted")
FAILED_WORDS = ("Failed", "FAILED", "failed", "Error", "ERROR", "Failure")
"""States that mean failure under any key."""
TERMINAL_FIELDS = ("failureMessage", "failureReason")
"""Fields in which Cluster API and its followers report a terminal failure."""
ERROR_FIELDS = ("error", "lastError", "errorMessage", "failureMessage", "failureReason")
