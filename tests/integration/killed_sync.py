"""A sync in a process of its own that is killed at a failpoint, and what it leaves."""

import json
import os
import signal
import subprocess
import sys

from tests.integration.world import World
from towpath.applyset.inventory import PART_OF_LABEL, Owner
from towpath.applyset.inventory_configmap import from_configmap

CHILD = """
import json, sys
from pathlib import Path
from tests.integration.world import World
from towpath.adapters.kubernetes import connect
kubeconfig, namespace, objects = json.loads(sys.stdin.read())
World(connect(kubeconfig), Path(), Path(kubeconfig), namespace, objects=objects).sync()
"""


def sync_and_die(world: World, failpoint: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps([str(world.kubeconfig), world.namespace, world.objects]),
        env={**os.environ, "TOWPATH_FAILPOINT": failpoint, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"{failpoint} was not reached: {done.stderr}"


def owned_and_live(world: World) -> tuple[set[str], set[str]]:
    """Names in the inventory, and names that carry its label."""
    owner = Owner("hello", "test", world.namespace)
    live = world.cluster.list("", "ConfigMap", world.namespace, labels=f"{PART_OF_LABEL}={owner.applyset}")
    found = world.cluster.get(owner.ref)
    inventory = from_configmap(found) if found else None
    return {o.ref.name for o in inventory.objects} if inventory else set(), {
        each["metadata"]["name"] for each in live
    }
