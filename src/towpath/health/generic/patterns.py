"""The names of conditions, reasons, fields and kinds that operators have in common."""

import re

NEGATIVE_TYPES = re.compile(
    r"Stalled|Invalid\w*|Irreconcilable|ErrorState|\w*(Failed|Failure|Failing|Degraded|Unhealthy|Stuck|Conflict"
    r"|Conflicted|Misconfigured|NotReady|NotAvailable|Unavailable|Unreachable|TimedOut|Timeout|NotFound)"
    r"|(?!No)\w*Errors?|ErrorOccurred|Denied|Rejected|Offline|Down|Blocked|Broken|Crashed|Aborted|Faulted"
    r"|Expired|Lost|Fallback|Missing\w*|NoMatching\w*|\w*Unsupported"
)
"""Condition types that are good news when False."""
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
"""Reasons of a condition such as Progressing that is True for ever."""
SUSPENDED_WORDS = re.compile(
    r"\w*(Paused|Suspended|Hibernated|Halted|Sleeping)|Stopped|Hibernating|Disabled|Cordoned|ScaledToZero|Inactive\w*|hibernation"
)
"""Condition types, and reasons, that say that nothing is to happen."""
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
"""Condition types that sum an object up, the first that is there counts."""
SUCCESS_REASONS = re.compile(
    r"\w*(Succeed|Succeeded|Success|Successful|Successfully|Completed|Ready|AsExpected)"
)
"""Reasons that make a condition good news whatever its type."""
STARTED_TYPES = re.compile(r"\w*(Created|Accepted|Admitted|Initialized|Validated)")
"""Condition types that say of what has an end only that it has begun."""
END_TYPES = ("Completed", "Complete", "Finished")
"""What is False only because it has not come to its end."""
POSITIVE_TYPES = re.compile(
    r"\w*(Ready|Available|Healthy|Succeeded|Successful|Success|Completed|Complete|Established|Programmed"
    r"|Accepted|Admitted|Deployed|Installed|Synced|Synchronized|Reconciled|Applied|Active|Running|Valid|Validated"
    r"|Resolved|ResolvedRefs|Initialized|Provisioned|Bound|Online|Created|Compliant|Connected|Bootstrapped"
    r"|Downloaded|Configured|Registered|Joined|Built|Serving|Enforced|Verified|Finished|Propagated|Contactable|Reachable|Addressable|UpToDate|Released|Imported|Uploaded|Assigned|Allocated|Published|Attached)"
)
REQUIRED_TYPES = re.compile(
    r"\w*(Synced|Synchronized|Reconciled|ReconcileSuccess|Applied|Accepted|ResolvedRefs|Healthy)|Valid"
)
"""Good conditions that an object cannot be Healthy without, when they are there and False."""
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
"""What may be on its way or broken: on its way when nothing else tells."""
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
"""What a message says of failures when there are none, or were some once."""
STATE_KEYS = ("phase", "state", "health", "status", "currentState", "currentStatus", "result", "stage")
NESTED_STATE_KEYS = ("phase", "state", "status", "health", "code")
"""Where the word stands when one of these is a mapping itself."""
OTHER_STATE_KEYS = re.compile(
    r"(?!previous|last|desired|target|expected|old|spec)\w+(Phase|State|Status|Health|phase|state|status)"
    r"|lastOperation|summary"
)
OUTCOME_KEYS = re.compile(r"(latest|last|current)[A-Z]\w*|result|process|execution|job|run")
"""Where the outcome stands when the status has no word at its top."""
RUN_TO_COMPLETION_KINDS = re.compile(
    r"(?!Cron|Scheduled?)\w*(Backup|Restore|Job|Run|Task|Execution|Migration|Request|Export|Import|Clone|Scan|Test"
    r"|Snapshot|Build|Operation|Session|Action|ActionSet|Promotion|Maintenance|Upgrade|Benchmark|Workflow|JobFlow|Experiment|Trial|Rollback|Rebalance)"
)
"""Kinds that are done when they have ended, so that `Running` is on the way."""
REPORTED_KINDS = re.compile(
    r"\w*(Cluster|Instance|Database|Deployment|Backup|Restore|Job|Run|Release|Certificate|Machine|Broker|Build"
    r"|Request|Snapshot|Installation|Migration|Execution|Claim|MachineSet|ReplicaSet|StatefulSet|Export|Workspace|Gateway)"
)
"""Kinds that something is made for, so that a controller is to report on them."""
WORKLOAD_FIELDS = ("replicas", "instances", "image", "storage")
"""Fields of a specification that something is to be made of, so that a controller is to report on it."""
CONFIGURATION_KINDS = re.compile(r"\w*(Template|Report|ReportSummary|ProviderConfig|ProviderConfigUsage)")
"""Kinds that say something to others, and on which nothing reports."""
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
"""Booleans, or ratios such as `2/3`, that sum an object up."""
RATIO = re.compile(r"(\d+)/(\d+)")
SUSPEND_FIELDS = ("suspend", "suspended", "paused", "pause", "halted", "hibernate", "stopped", "shutdown")
"""What a specification says to keep its controller from acting."""
DESIRED_STATE_FIELDS = ("state", "desiredState", "powerState", "clusterState")
PAUSE_ANNOTATIONS = re.compile(
    r"[\w.-]+/(pause|paused|suspend|suspended|pause-reconciliation|reconciliation-paused|reconcile-paused)"
)
RECONCILE_ANNOTATIONS = re.compile(r"[\w.-]+/(reconcile|reconciliation|reconciliationLoop)")
"""Annotations that keep a controller from acting when they are `true`, and when they are `disabled`."""
ENABLE_FIELDS = {"enable": False, "enabled": False, "disable": True, "disabled": True}
"""What a specification says to switch its object off."""
PENDING_REASONS = re.compile(r"\w*(InProgress|Pending)|Progressing|Processing|Waiting\w*")
"""Reasons of a condition that is False only until something has ended."""
UNRELATED_KEYS = re.compile(r"(previous|old|desired|target|expected|spec)\w*|\w*conditions?", re.IGNORECASE)
"""What in a status is no part of what is now."""
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
"""Words that tell under any name."""
TERMINAL_FIELDS = ("failureMessage", "failureReason")
"""Where Cluster API and who follows it say that nothing can help any more."""
ERROR_FIELDS = ("error", "lastError", "errorMessage", "failureMessage", "failureReason")
