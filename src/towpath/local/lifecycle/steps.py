"""The steps of `up` besides starting components: each runs once per boot and can be repeated."""

from collections.abc import Callable
from dataclasses import dataclass

from towpath.local.common.stack import Stack
from towpath.local.lifecycle import processes
from towpath.local.parts import accounts, images, network, prefect_setup, seed
from towpath.local.users import ownership

LOOPBACKS = ("127.0.0.1", "localhost")
"""Hosts of registries that are used over plain HTTP; only those get the base image."""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A step. `needs` are components and steps that come before; it runs again when `key` changes."""

    name: str
    do: Callable[[Stack], None]
    needs: tuple[str, ...] = ()
    key: Callable[[Stack], str] = lambda _: "1"


def setup_steps(stack: Stack) -> tuple[SetupStep, ...]:
    """The steps of this stack."""
    table = [
        SetupStep("prefect set-up", prefect_setup.prepare_server, ("prefect-server",)),
        SetupStep("repositories", _repositories),
        SetupStep("deployments", prefect_setup.deploy, ("prefect set-up",), prefect_setup.deployment_key),
        SetupStep("waiting runs", prefect_setup.move_runs, ("deployments",), prefect_setup.deployment_key),
    ]
    if stack.own_cluster:
        table += [
            SetupStep("network", _network),
            SetupStep("pause image", images.import_pause_image, ("containerd",)),
            SetupStep("accounts", accounts.create_accounts, ("kube-apiserver",)),
        ]
    else:
        table.append(SetupStep("accounts", accounts.adopt_kubeconfig))
    if stack.registry.partition(":")[0] in LOOPBACKS:
        needs = ("registry",) if stack.own_registry else ()
        table.append(SetupStep("base image", images.push_base_image, needs))
    return tuple(table)


def _network(stack: Stack) -> None:
    network.keep_kernel_settings(stack.layout)
    network.create_bridge(stack)
    processes.create_cgroups(stack.layout)


def _repositories(stack: Stack) -> None:
    if stack.own_repositories:
        seed.seed_repositories(stack)
        ownership.share_repositories(stack)
