"""Generated configuration: what local-cluster needs, and nothing of another stack."""

import base64
import json
import tomllib
from pathlib import Path

from towpath.local.common.stack import Options, Stack
from towpath.local.parts.configuration import (
    PAUSE_IMAGE,
    certificate,
    containerd,
    kubeconfig,
    kubelet,
    mirror,
    network,
    registry,
)


def test_containerd_is_apart_and_runs_without_every_capability(described: Stack) -> None:
    config = tomllib.loads(containerd(described, runc=Path("/usr/sbin/runc")))
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == PAUSE_IMAGE
    assert cri["restrict_oom_score_adj"]
    assert cri["netns_mounts_under_state_dir"]
    runc = cri["containerd"]["runtimes"]["runc"]["options"]
    assert runc["SystemdCgroup"] is False
    for path in (config["root"], config["state"], config["grpc"]["address"], runc["Root"]):
        assert Path(path).is_relative_to(described.layout.root)


def test_the_registry_on_loopback_is_spoken_to_in_plain_http(described: Stack) -> None:
    assert 'server = "http://127.0.0.1:5000"' in mirror(described)
    given = described.with_options(Options(registry="registry.example"))
    assert 'server = "https://registry.example"' in mirror(given)


def test_kubelet_knows_nobody_anonymous_and_stays_in_its_cgroup(described: Stack) -> None:
    config = kubelet(described)
    assert config["authentication"]["anonymous"] == {"enabled": False}  # type: ignore[index]
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["readOnlyPort"] == 0
    assert config["failCgroupV1"] is False
    assert config["cgroupDriver"] == "cgroupfs"
    assert config["cgroupRoot"] == f"/{described.layout.cgroup}"
    assert config["address"] == described.gateway


def test_the_pods_network_is_the_stack_s_own_and_makes_no_firewall_rule(described: Stack) -> None:
    bridge = network(described)["plugins"][0]  # type: ignore[index]
    assert bridge["bridge"] == described.layout.bridge
    assert bridge["ipMasq"] is False
    assert bridge["ipam"]["ranges"] == [[{"subnet": described.options.subnet}]]


def test_images_can_be_deleted(described: Stack) -> None:
    assert registry(described)["storage"]["delete"] == {"enabled": True}  # type: ignore[index]


def test_a_kubeconfig_with_a_token_holds_no_certificate(described: Stack) -> None:
    authority, _ = certificate(described, "ca")
    authority.parent.mkdir(parents=True)
    authority.write_text("the authority")
    text = json.dumps(kubeconfig(described, "towpath-dev", token="secret", namespace="dev"))
    assert "client-key" not in text
    config = json.loads(text)
    assert config["users"] == [{"name": "towpath-dev", "user": {"token": "secret"}}]
    assert config["contexts"][0]["context"]["namespace"] == "dev"
    # Its file is not for the account's user.
    told = config["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(told) == b"the authority"
