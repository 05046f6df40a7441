"""What keeps an app or a whole environment from being reconciled; told when it is news, not always. Pure.

A trouble is a text by app; that of the environment itself has no app (`WHOLE`).
"""

from collections.abc import Collection, Mapping

ENVIRONMENT_KEY = ""
Incidents = Mapping[str, str]


def new_incidents(before: Incidents, now: Incidents) -> frozenset[str]:
    """Apps (and WHOLE) whose trouble is new, or another one than before."""
    return frozenset(app for app, what in now.items() if before.get(app) != what)


def merge_incidents(before: Incidents, now: Incidents, looked: Collection[str] | None) -> dict[str, str]:
    """What to know at the next look; `looked` are the apps that this one was about, None: all of them.

    Who looks at some apps only cannot tell that the others, or the environment, are well again.
    """
    kept = {} if looked is None else {app: what for app, what in before.items() if app not in looked}
    return dict(sorted((kept | dict(now)).items()))
