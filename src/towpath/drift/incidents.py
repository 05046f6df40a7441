"""Incidents: reasons why an app or an environment cannot be reconciled. Only new ones are reported. Pure.

An incident is a text per app; that of the whole environment has the key ENVIRONMENT_KEY.
"""

from collections.abc import Collection, Mapping

ENVIRONMENT_KEY = ""
POLICY_KEY = "(policy)"
"""No app is called so: what of the policy is not in force."""
Incidents = Mapping[str, str]


def new_incidents(before: Incidents, now: Incidents) -> frozenset[str]:
    """The keys whose incident is new or has another text than before."""
    return frozenset(app for app, text in now.items() if before.get(app) != text)


def merge_incidents(before: Incidents, now: Incidents, inspected: Collection[str] | None) -> dict[str, str]:
    """The incidents to remember. `inspected` are the apps of this reconcile; None: all apps.

    Incidents of apps that were not inspected, and of the environment, stay.
    """
    kept = {} if inspected is None else {app: text for app, text in before.items() if app not in inspected}
    return dict(sorted((kept | dict(now)).items()))
