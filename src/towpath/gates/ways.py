"""The ways in which a release comes into an environment."""

from typing import Literal, get_args

Way = Literal[
    "promotion",
    "break-glass",
    "rollback",
    "automatic rollback",
    "merge",
    "merged return",
    "finish",
    "rebuild",
    "verified change",
    "change rollback",
    "change",
]
"""How a release comes in.

promotion           `towpath promote`, and each promotion that follows a delivery
break-glass         `towpath promote --break-glass`: an owner signed for it
rollback            `towpath rollback`: a person asked for it
automatic rollback  a promotion failed after its sync
merge               reconcile and adopt: only a person's commit names it
merged return       reconcile and adopt: a person's commit names what was verified here before
finish              reconcile and adopt: the agent's last signed word here, not verified yet
rebuild             reconcile and adopt: the agent's last signed word here, verified
verified change     reconcile and adopt: a commit changed an app without images whose changes must be verified
                    in the environment before (`promote: manifests`)
change rollback     `towpath rollback` of an app without images: a person asked for it
change              reconcile and adopt: a commit changed another app without images, or brought back what was
                    verified here before
"""
WAYS: tuple[Way, ...] = get_args(Way)
