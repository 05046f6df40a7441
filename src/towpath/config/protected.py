"""The protected part of an environment repository: what owners sign when it becomes looser.

It is data of its own: gates, people and scan policy of `towpath.yaml`, quarantines and pauses, and nothing
else. Another order of keys, a comment or an app's smoke check change nothing of it.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from towpath.config.explain import explain
from towpath.config.keys.fields import Duration, Model, Text
from towpath.config.keys.gate import Approvals
from towpath.config.keys.graph import Needs, flat
from towpath.config.keys.models import Config
from towpath.config.keys.people import Person
from towpath.config.keys.scan import ScanPolicy


class ProtectedGate(Model):
    """The gate of one environment. `verified_in` is the environment before it where none is named.

    Where environments have `after`, `in_one_of` has groups of them: it must be verified in one of each.
    """

    verified_in: Text | None = None
    in_one_of: tuple[tuple[Text, ...], ...] = ()
    soak: Duration = timedelta()
    approvals: Approvals = Approvals()

    @property
    def needs(self) -> Needs:
        """Where a release must be verified before: in one environment of each group."""
        return (((self.verified_in,),) if self.verified_in else ()) + self.in_one_of


class Quarantined(Model):
    """A release that is kept out, by its id, and since when."""

    release: Text
    at: Text
    reason: str = ""


class Paused(Model):
    """A pause of one app, or of the environment where `app` is empty."""

    app: str = ""
    until: Text
    reason: str = ""

    @field_validator("until")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("must be a time with its zone")
        return value


class Policy(Model):
    """All that is protected. `unbuilt` are apps without `source`: nothing proves their releases.

    What is merged of apps `without_images` is synced; of `verified_changes` when it was verified in the
    environment before (`promote: manifests`). `places` are the `environments` of apps that name them: the
    gates of others do not ask for them.
    """

    environments: Annotated[dict[Text, ProtectedGate], Field(default_factory=dict)]
    people: Annotated[dict[Text, Person], Field(default_factory=dict)]
    scan: ScanPolicy = ScanPolicy()
    unbuilt: tuple[Text, ...] = ()
    without_images: tuple[Text, ...] = ()
    verified_changes: tuple[Text, ...] = ()
    places: Annotated[dict[Text, tuple[Text, ...]], Field(default_factory=dict)]
    quarantine: Annotated[dict[Text, tuple[Quarantined, ...]], Field(default_factory=dict)]
    pauses: Annotated[dict[Text, tuple[Paused, ...]], Field(default_factory=dict)]


def protected_part(
    config: Config,
    quarantine: Mapping[str, Iterable[Quarantined]],
    pauses: Mapping[str, Iterable[Paused]],
) -> Policy:
    """What is protected of the files of one commit; `quarantine` by app, `pauses` by environment."""
    return Policy(
        environments={
            each.name: ProtectedGate(
                verified_in=next(iter(flat(needs)), None) if not config.is_graph else None,
                in_one_of=needs if config.is_graph else (),
                soak=each.gate.soak,
                approvals=each.gate.approvals,
            )
            for each in config.environments
            for needs in [config.needs(each.name)]
        },
        people=config.people,
        scan=config.scan,
        unbuilt=tuple(sorted(n for n, app in config.apps.items() if app.is_released and app.source is None)),
        without_images=tuple(sorted(name for name, app in config.apps.items() if not app.is_released)),
        verified_changes=tuple(sorted(n for n, app in config.apps.items() if app.promote == "manifests")),
        places={name: app.environments for name, app in config.apps.items() if app.environments is not None},
        quarantine={app: found for app, entries in quarantine.items() if (found := tuple(entries))},
        pauses={name: paused for name, entries in pauses.items() if (paused := tuple(entries))},
    )


def policy_data(policy: Policy) -> dict[str, Any]:
    """As plain JSON data, the same for the same policy; times as in `towpath.yaml`.

    Defaults are written, too: another default of a later version changes nothing of what was signed.
    """
    data = policy.model_dump(mode="json", by_alias=True)
    for name, gate in policy.environments.items():
        data["environments"][name]["soak"] = _seconds(gate.soak)
        data["environments"][name]["approvals"]["expires"] = _seconds(gate.approvals.expires)
    return dict(data)


def parse_policy(data: Any) -> Policy:
    """The inverse of `policy_data`; ValueError with what is wrong, also for a key that is not known."""
    try:
        return Policy.model_validate_json(json.dumps(data), by_name=False, by_alias=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(explain(dict(first), Policy)) from None


def _seconds(time: timedelta) -> str:
    return f"{int(time.total_seconds())}s"
