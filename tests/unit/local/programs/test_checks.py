from pathlib import Path

import pytest

from towpath.local.programs import checks
from towpath.local.programs.checks import GIGABYTE, Machine, RequiredParts, Status

ALL = RequiredParts(cluster=True, engine=True)
NOTHING = RequiredParts(cluster=False, engine=False)


def machine(
    *,
    system: str = "Linux",
    uid: int = 0,
    obstacle: str | None = None,
    memory: int = 8 * GIGABYTE,
    disk: int = 50 * GIGABYTE,
    cgroup: int = 2,
    built: bool = False,
) -> Machine:
    return Machine(system, uid, obstacle, memory, disk, cgroup, built)


def test_a_given_cluster_and_engine_make_their_parts_needless() -> None:
    assert {"kubernetes", "containerd", "docker"} <= set(ALL.tools)
    assert not {"kubernetes", "containerd", "docker", "cni"} & set(NOTHING.tools)
    assert "kustomize" in NOTHING.tools
    assert "helm" not in ALL.tools


@pytest.mark.parametrize(
    ("version", "status"), [("3.10.9", Status.MISSING), ("3.11.0", Status.OK), ("3.14.1", Status.OK)]
)
def test_python(version: str, status: Status) -> None:
    assert checks.judge_python(version).status is status


def test_a_tool_that_is_here_tells_version_and_place() -> None:
    check = checks.judge_tool("runc", {"runc": "1.1.5, /usr/sbin/runc"}, machine(), needed=True)
    assert (check.status, check.detail) == (Status.OK, "1.1.5, /usr/sbin/runc")


def test_a_tool_that_up_can_install_is_gettable() -> None:
    check = checks.judge_tool("docker", {}, machine(), needed=True)
    assert check.status is Status.GETTABLE
    assert "docker.io" in check.remedy


def test_a_tool_that_nobody_may_install_is_missing_and_says_why() -> None:
    check = checks.judge_tool(
        "docker", {}, machine(uid=1000, obstacle="only root may install them"), needed=True
    )
    assert check.status is Status.MISSING
    assert "only root" in check.remedy
    assert "DOCKER_HOST" in check.remedy


def test_a_tool_that_is_not_needed_is_absent_whatever_the_machine() -> None:
    check = checks.judge_tool("docker", {}, machine(obstacle="there is no apt-get"), needed=False)
    assert check.status is Status.ABSENT


def test_half_a_tool_names_the_other_half() -> None:
    check = checks.judge_tool("cni", {"bridge": "x", "loopback": "x"}, machine(), needed=True)
    assert check.detail == "lacks host-local, portmap"


def test_kubernetes_cannot_run_where_there_is_no_linux() -> None:
    check = checks.judge_tool("kubernetes", {}, machine(system="Darwin"), needed=True)
    assert check.status is Status.MISSING
    assert "KUBECONFIG" in check.remedy


def test_trivy_is_not_installed_behind_the_users_back() -> None:
    check = checks.judge_tool("trivy", {}, machine(), needed=True)
    assert check.status is Status.MISSING
    assert "make setup" in check.remedy


@pytest.mark.parametrize(
    ("uid", "need", "status"),
    [
        (0, ALL, Status.OK),
        (1000, ALL, Status.MISSING),
        (1000, NOTHING, Status.ABSENT),
        (1000, RequiredParts(cluster=False, engine=True), Status.MISSING),
    ],
)
def test_root_is_needed_for_own_containers_only(uid: int, need: RequiredParts, status: Status) -> None:
    assert checks.judge_root(machine(uid=uid), need).status is status


def test_whoever_is_not_root_is_told_what_to_give() -> None:
    assert "KUBECONFIG and DOCKER_HOST" in checks.judge_root(machine(uid=1000), ALL).remedy


@pytest.mark.parametrize(
    ("cgroup", "need", "status"),
    [(2, ALL, Status.OK), (1, ALL, Status.OK), (0, ALL, Status.MISSING), (0, NOTHING, Status.ABSENT)],
)
def test_control_groups(cgroup: int, need: RequiredParts, status: Status) -> None:
    assert checks.judge_cgroup(machine(cgroup=cgroup), need).status is status


@pytest.mark.parametrize(
    ("memory", "built", "status"),
    [(3, False, Status.MISSING), (3, True, Status.OK), (5, False, Status.OK), (1, True, Status.MISSING)],
)
def test_memory_must_suffice_for_the_build_until_it_is_done(memory: int, built: bool, status: Status) -> None:
    assert checks.judge_memory(machine(memory=memory * GIGABYTE, built=built), ALL).status is status


@pytest.mark.parametrize(("disk", "built", "status"), [(5, False, Status.MISSING), (5, True, Status.OK)])
def test_disk_must_suffice_for_the_build_until_it_is_done(disk: int, built: bool, status: Status) -> None:
    assert checks.judge_disk(machine(disk=disk * GIGABYTE, built=built), ALL).status is status


def test_a_busy_port_is_named_with_the_way_to_another() -> None:
    check = checks.judge_ports({"registry": 5000}, stack_runs=False)
    assert check.status is Status.MISSING
    assert "registry 5000" in check.detail
    assert "--port registry=NUMBER" in check.remedy


def test_ports_of_the_running_stack_are_no_fault() -> None:
    assert checks.judge_ports({"registry": 5000}, stack_runs=True).status is Status.OK


def test_a_server_that_was_named_and_does_not_answer_is_missing() -> None:
    assert checks.judge_server(None, None).status is Status.ABSENT
    assert checks.judge_server("http://127.0.0.1:1/api", "3.8").status is Status.OK
    silent = checks.judge_server("http://me:hunter2@127.0.0.1:1/api", None)
    assert silent.status is Status.MISSING
    assert "hunter2" not in silent.detail


def test_an_engine_that_was_named_and_does_not_answer_is_missing() -> None:
    assert checks.judge_engine("unix:///x", None, configured=False).status is Status.GETTABLE
    assert checks.judge_engine("unix:///x", None, configured=True).status is Status.MISSING
    assert checks.judge_engine("unix:///x", "20.10", configured=True).status is Status.OK


def test_a_cluster_that_was_named_and_does_not_answer_is_missing() -> None:
    assert checks.judge_cluster(None, None, "").status is Status.ABSENT
    assert checks.judge_cluster("/k", "v1.35.4", "").status is Status.OK
    assert checks.judge_cluster("/k", None, "refused").status is Status.MISSING


def test_go_is_needed_until_everything_is_built() -> None:
    assert checks.judge_go(None, "no Go", needed=True).status is Status.MISSING
    assert checks.judge_go(None, "no Go", needed=False).status is Status.ABSENT
    assert checks.judge_go("1.26.6, /go", "", needed=True).status is Status.OK


def test_a_plain_program() -> None:
    assert checks.judge_program("git", None, None, remedy="x").status is Status.MISSING
    assert checks.judge_program("git", Path("/bin/git"), None, remedy="x").status is Status.OK


def test_a_python_package() -> None:
    assert checks.judge_package("prefect", None).status is Status.MISSING
    assert checks.judge_package("prefect", "3.8").status is Status.OK
