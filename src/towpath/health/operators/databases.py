"""Databases and search: PostgreSQL, MySQL, MongoDB, Elasticsearch, Redis, Cassandra and others."""

from towpath.health.operators.judges import counted
from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_ECK = (
    "Degraded .status.health=red; Healthy .status.health=green; Progressing .status.health=yellow;"
    " Progressing .status.expectedNodes; Unknown"
)
_MARIADB = "Degraded !*(Failed); Progressing !*; Progressing ?*; Healthy *"
_PERCONA = (
    "Progressing .status.state=initializing|stopping; Healthy .status.state=ready;"
    " Suspended .status.state=paused; Degraded .status.state=error; Unknown"
)
_CNPG_PHASES = (
    " Healthy .status.phase=Cluster in healthy state;"
    " Progressing .status.phase=Setting up primary|Creating a new replica|Upgrading cluster"
    "|Waiting for the instances to become active|Promoting to primary cluster;"
    " Degraded .status.phase=Switchover in progress|Failing over|Upgrading Postgres major version"
    "|Cluster upgrade delayed|Waiting for user action|Primary instance is being restarted*"
    "|Cluster cannot execute instance online upgrade*|Online upgrade in progress|Applying configuration;"
    " Suspended .status.phase=Unable to create required cluster objects"
    "|Cluster cannot proceed to reconciliation*|Cluster has incomplete or invalid image catalog"
    "|Cluster is unrecoverable*"
)
_OPS_REQUEST = "Healthy .status.phase=Succeed; Degraded! .status.phase=Failed|Cancelled|Aborted"
_APPLIED = (
    "Healthy .status.applied=true & .status.observedGeneration==.metadata.generation;"
    " Healthy .status.applied=true & !.metadata.generation;"
    " Degraded .status.applied=false & .status.observedGeneration==.metadata.generation"
)

ROWS: Rows = {
    "acid.zalan.do": {
        "OperatorConfiguration": EXISTS,
        "postgresql": (
            "Healthy .status.PostgresClusterStatus=Running;"
            " Progressing .status.PostgresClusterStatus=Creating|Updating;"
            " Degraded .status.PostgresClusterStatus"
        ),
    },
    "postgresql.cnpg.io": {
        "Backup": (
            "Healthy .status.phase=completed;"
            " Degraded .status.phase=failed|walArchivingFailing|invalid backup definition"
        ),
        "Cluster": (
            "Suspended .metadata.annotations[cnpg.io/reconciliation]=disabled;"
            " Suspended cnpg.io/hibernation; Degraded ~cnpg.io/hibernation;"
            " Progressing !.status.conditions;"
            " Degraded .status.phase=Cluster in healthy state & !ContinuousArchiving;"
            f"{_CNPG_PHASES}; Unknown"
        ),
        "Database Publication Subscription": _APPLIED,
        "ClusterImageCatalog ImageCatalog": EXISTS,
        "Pooler": "Healthy .status.instances>0; Progressing !.status.instances",
        "ScheduledBackup": "Suspended .spec.suspend=true; Healthy",
    },
    "barmancloud.cnpg.io": {"ObjectStore": EXISTS},
    "kubedb.com": {
        "*": (
            "Suspended .spec.halted=true; Suspended .status.phase=Halted; Healthy .status.phase=Ready;"
            " Degraded .status.phase=NotReady|Critical|Failed"
        )
    },
    "postgres-operator.crunchydata.com": {
        "PostgresCluster": counted.postgres_cluster,
        "PGAdmin": "Healthy .status.observedGeneration",
        "PGUpgrade": "Degraded !Succeeded; Healthy Succeeded",
        "*": READY,
    },
    "kubegres.reactive-tech.io": {
        "Kubegres": "Degraded .status.blockingOperation.statefulSetOperation; Healthy .status"
    },
    "k8s.mariadb.com": {
        "Backup Restore": "Degraded !*(Failed); Progressing !*; Progressing ?*; Healthy *",
        "Connection Database Grant User": "Healthy Ready; Degraded ~Ready",
        "MariaDB MaxScale": f"Suspended .spec.suspend=true; {_MARIADB}",
        "SqlJob": "Healthy *(JobComplete); Degraded *(JobFailed); Degraded !*(JobFailed)",
        "*": _MARIADB,
    },
    "mysql.presslabs.org": {"MysqlBackup": "Degraded! Failed; Healthy Complete", "MysqlCluster": READY},
    "oceanbase.oceanbase.com": {
        "*": "Healthy .status.status=running|ready; Degraded .status.status=*failed; Progressing .status"
    },
    "polardbx.aliyun.com": {
        "PolarDBXCluster": (
            "Healthy .status.phase=Running; Suspended .status.phase=Locked;"
            " Degraded .status.phase=Failed|Unknown"
        )
    },
    "couchbase.com": {
        "CouchbaseBucket CouchbaseCollection CouchbaseCollectionGroup CouchbaseEphemeralBucket CouchbaseGroup"
        " CouchbaseMemcachedBucket CouchbaseRoleBinding CouchbaseScope CouchbaseScopeGroup"
        " CouchbaseUser": EXISTS,
    },
    "medusa.k8ssandra.io": {
        "MedusaBackupJob MedusaRestoreJob MedusaTask": (
            "Degraded! .status.failed; Degraded! .status.failedDatacenters; Healthy .status.finishTime"
        ),
        "MedusaBackup MedusaBackupSchedule": EXISTS,
    },
    "mariadb.mmontes.io": {"*": "Progressing !*; Progressing ?*; Healthy *"},
    "mysql.oracle.com": {
        "InnoDBCluster": (
            "Healthy .status.cluster.status=ONLINE; Degraded .status.cluster.status=OFFLINE|NO_QUORUM|INVALID"
            "|UNKNOWN|ONLINE_PARTIAL|ONLINE_UNCERTAIN|OFFLINE_UNCERTAIN"
        )
    },
    "moco.cybozu.com": {
        "MySQLCluster": (
            "Degraded !Available; Degraded !ReconcileSuccess; Progressing ~Healthy; Healthy Healthy;"
            " Healthy Available"
        )
    },
    "pxc.percona.com": {
        "PerconaXtraDBCluster": (
            "Progressing .status.state=initializing; Healthy .status.state=ready;"
            " Suspended .status.state=paused; Degraded .status.state=stopping|error; Unknown"
        ),
        "*": "Healthy .status.state=Succeeded; Degraded .status.state=Failed|Error",
    },
    "ps.percona.com": {"PerconaServerMySQL": _PERCONA},
    "pgv2.percona.com": {"PerconaPGCluster": _PERCONA},
    "psmdb.percona.com": {
        "PerconaServerMongoDB": _PERCONA,
        "*": "Healthy .status.state=ready; Degraded .status.state=error|rejected",
    },
    "mongodb.com": {
        "*": (
            "Healthy .status.phase=Running|Updated; Degraded .status.phase=Failed|Unsupported;"
            " Suspended .status.phase=Disabled"
        )
    },
    "mongodbcommunity.mongodb.com": {
        "MongoDBCommunity": "Healthy .status.phase=Running; Degraded .status.phase=Failed"
    },
    "db.atlasgo.io": {
        "*": "Healthy Ready; Progressing ~Ready(Reconciling|GettingDevDB|ApprovalPending); Degraded ~Ready"
    },
    "schemas.schemahero.io": {
        "Migration": (
            "Healthy .status.phase=EXECUTED; Suspended .status.phase=PLANNED;"
            " Degraded .status.phase=INVALID|REJECTED"
        )
    },
    "elasticsearch.k8s.elastic.co": {"Elasticsearch": counted.elasticsearch},
    "stackconfigpolicy.k8s.elastic.co": {
        "*": "Healthy .status.phase=Ready; Degraded .status.phase=Invalid|Error|Conflict"
    },
    "*.k8s.elastic.co": {"*": _ECK},
    "opensearch.opster.io": {
        "OpenSearchCluster": (
            "Degraded .status.health=red; Healthy .status.phase=RUNNING & .status.initialized=true"
        ),
        "*": "Healthy .status.state=CREATED; Degraded .status.state=ERROR",
    },
    "cassandra.datastax.com": {
        "CassandraDatacenter": (
            "Degraded !Valid; Suspended Stopped; Progressing Updating; Progressing Scaling*;"
            " Progressing ReplacingNodes; Progressing RollingRestart; Progressing Resuming;"
            " Progressing Decommission; Progressing .status.cassandraOperatorProgress=Updating;"
            " Degraded !Healthy; Healthy Ready"
        )
    },
    "k8ssandra.io": {
        "K8ssandraCluster": (
            "Degraded .status.error!=None;"
            " Progressing .status.datacenters[].cassandra.cassandraOperatorProgress=Updating;"
            " Healthy CassandraInitialized"
        )
    },
    "scylla.scylladb.com": {
        "ScyllaCluster ScyllaDBDatacenter": "Degraded Degraded; Progressing Progressing; Healthy Available"
    },
    "clickhouse.altinity.com": {
        "ClickHouseInstallation": (
            "Healthy .status.status=Completed; Progressing .status.status=InProgress; Degraded .status.status"
        )
    },
    "clickhouse-keeper.altinity.com": {
        "*": (
            "Healthy .status.status=Completed; Progressing .status.status=InProgress; Degraded .status.status"
        )
    },
    "druid.apache.org": {
        "Druid": (
            "Healthy .status.druidNodeStatus.druidNodeConditionType=DruidClusterReady"
            " & .status.druidNodeStatus.druidNodeConditionStatus=True;"
            " Degraded .status.druidNodeStatus.druidNodeConditionType=DruidNodeErrorState;"
            " Degraded .status.druidNodeStatus.druidNodeConditionStatus=False"
        )
    },
    "solr.apache.org": {
        "SolrBackup": "Healthy .status.successful=true; Degraded! .status.successful=false",
        "SolrCloud": "Progressing .status.readyReplicas<.status.replicas; Healthy .status.readyReplicas>0",
    },
    "redis.redis.opstreelabs.in": {
        "RedisCluster": "Healthy .status.state=Ready; Degraded .status.state=Failed",
        "RedisReplication": (
            "Healthy .status.state=Ready; Degraded .status.state=Failed; Progressing .status.state;"
            " Healthy .status.masterNode"
        ),
        "*": "Healthy .status.state=Ready; Degraded .status.state=Failed; Progressing .status.state; Healthy",
    },
    "databases.spotahome.com": {
        "RedisFailover": "Healthy .status.state=Healthy; Degraded .status.state=NotHealthy; Healthy"
    },
    "app.redislabs.com": {
        "*": (
            "Degraded .status.state=Error|Invalid; Degraded .status.status=*failed|error;"
            " Healthy .status.state=Running|Active; Healthy .status.status=active"
        )
    },
    "dragonflydb.io": {"Dragonfly": "Healthy .status.phase=Ready|ready; Progressing .status.phase"},
    "hazelcast.com": {
        "Hazelcast ManagementCenter": "Healthy .status.phase=Running; Degraded .status.phase=Failed",
        "*": "Healthy .status.state=Success|Persisted|Running; Degraded .status.state=Failed|Failure",
    },
    "infinispan.org": {
        "Infinispan": (
            "Degraded !PreliminaryChecksPassed; Progressing Stopping; Progressing Upgrade;"
            " Suspended GracefulShutdown; Healthy WellFormed; Degraded !WellFormed"
        )
    },
    "apps.kubeblocks.io": {
        "Cluster Component": (
            "Healthy .status.phase=Running; Degraded .status.phase=Failed|Abnormal;"
            " Suspended .status.phase=Stopped"
        ),
        "OpsRequest": _OPS_REQUEST,
        "*": "Healthy .status.phase=Available; Degraded .status.phase=Unavailable",
    },
    "operations.kubeblocks.io": {"OpsRequest": _OPS_REQUEST},
    "database.arangodb.com": {
        "ArangoDeployment": "Degraded .status.phase=Failed; Healthy Ready; Degraded !Ready"
    },
    "pingcap.com": {"TidbCluster": "Healthy Ready; Progressing !Ready"},
    "crdb.cockroachlabs.com": {
        "CrdbCluster": "Healthy .status.clusterStatus=Finished; Degraded .status.clusterStatus=Failed"
    },
    "planetscale.com": {"*": "Degraded !*; Healthy *"},
    "apps.foundationdb.org": {
        "FoundationDBCluster": (
            "Degraded .status.health.available=false;"
            " Progressing .status.generations.reconciled<.metadata.generation;"
            " Healthy .status.health.healthy=true"
        )
    },
    "stackgres.io": {
        "SGBackup": (
            "Healthy .status.process.status=Completed; Degraded! .status.process.status=Failed;"
            " Progressing .status.process.status"
        ),
        "SGCluster": "Degraded Failed; Healthy Bootstrapped; Progressing !Bootstrapped",
        "SGDbOps": "Degraded! Failed; Healthy Completed",
        "SGInstanceProfile SGPostgresConfig SGPoolingConfig SGScript SGObjectStorage": EXISTS,
    },
    "*.stackable.tech": {
        "*": "Suspended Stopped; Suspended ReconciliationPaused; Degraded Degraded; Healthy Available"
    },
}
