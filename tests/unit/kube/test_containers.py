"""Containers are found in every kind of workload."""

from towpath.kube.containers import CONTAINER_STATUS_LISTS, containers


def test_containers_of_a_cron_job() -> None:
    pod = {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}, "junk"]}
    job = {"template": {"spec": pod}}
    value = {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": job}}}
    assert [each["name"] for each in containers(value)] == ["a", "b"]


def test_each_list_of_containers_has_its_list_of_statuses() -> None:
    expected = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    assert expected == CONTAINER_STATUS_LISTS
