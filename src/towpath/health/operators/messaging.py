"""Messaging: Kafka, RabbitMQ, NATS, Pulsar, ZooKeeper, ActiveMQ."""

from towpath.health.operators.row import Rows
from towpath.health.rows import EXISTS, READY

_STRIMZI = "Suspended ReconciliationPaused; Degraded NotReady; Degraded !Ready; Healthy Ready"
_CONFLUENT = "Healthy .status.phase=RUNNING; Degraded .status.phase=ERROR|FAILED"
_RABBIT = "Healthy Ready(SuccessfulCreateOrUpdate); Degraded !Ready(FailedCreateOrUpdate); Unknown"
_NATS = (
    "Degraded !*; Healthy Ready(Created|Updated|Noop|SkipCreate|SkipUpdate);"
    " Progressing Ready & .spec.progressDeadlineSeconds; Degraded Ready(Errored); Healthy Ready"
)

ROWS: Rows = {
    "broker.amq.io": {"ActiveMQArtemisAddress ActiveMQArtemisSecurity": EXISTS},
    "kafka.strimzi.io": {
        "Kafka KafkaConnect KafkaBridge KafkaMirrorMaker2": (
            "Suspended ReconciliationPaused; Degraded NotReady(!Creating); Healthy Ready"
        ),
        "KafkaNodePool": "Degraded NotReady; Healthy .status.observedGeneration; Healthy .status.nodeIds",
        "KafkaRebalance": (
            "Degraded NotReady; Healthy Ready; Suspended ProposalReady;"
            " Suspended Stopped; Suspended ReconciliationPaused"
        ),
        "*": _STRIMZI,
    },
    "core.strimzi.io": {
        "StrimziPodSet": "Progressing .status.readyPods<.status.pods; Healthy .status.pods>0"
    },
    "platform.confluent.io": {
        "Connector": (
            "Degraded .status.state=ERROR; Degraded .status.failedTasksCount>0;"
            " Healthy .status.state=CREATED & .status.connectorState=RUNNING & !.status.failedTasksCount"
        ),
        "ClusterLink KafkaTopic Schema KafkaRestClass ConfluentRolebinding": (
            "Healthy .status.state=SUCCEEDED|CREATED|Successful; Degraded .status.state=ERROR|FAILED"
        ),
        "*": _CONFLUENT,
    },
    "cluster.redpanda.com": {
        "Console": "Progressing .status.readyReplicas<.status.replicas; Healthy .status.readyReplicas",
        "*": (
            "Progressing !Quiesced; Degraded !Ready; Degraded !Healthy; Degraded !Synced; Healthy Ready;"
            " Healthy Synced"
        ),
    },
    "rabbitmq.com": {
        "RabbitmqCluster": (
            "Degraded !ReconcileSuccess; Progressing ?ClusterAvailable; Progressing ?AllReplicasReady;"
            " Suspended !AllReplicasReady(ScaledToZero); Progressing !ClusterAvailable;"
            " Progressing !AllReplicasReady; Healthy ClusterAvailable & AllReplicasReady"
        ),
        "*": _RABBIT,
    },
    "jetstream.nats.io": {"*": _NATS},
    "zookeeper.pravega.io": {
        "ZookeeperCluster": (
            "Degraded Error; Progressing Upgrading;"
            " Healthy .status.readyReplicas>0 & .status.readyReplicas==.status.replicas"
        )
    },
    "pulsar.streamnative.io": {"*": READY},
}
