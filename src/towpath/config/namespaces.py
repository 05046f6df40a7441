"""Whose a namespace is, by `towpath.yaml`: checks of the apps' own namespaces."""

import re
from collections.abc import Iterator

from towpath.config.keys.fields import LABEL
from towpath.config.keys.models import Config
from towpath.yamltext.config_reader import ConfigDocument


def namespace_problems(config: Config, document: ConfigDocument) -> Iterator[tuple[int, str]]:
    """Own namespaces that are no names, or that are another app's, too."""
    for environment in config.environments:
        owners: dict[str, str] = {}
        for name, app in config.apps.items():
            own = app.own_namespace(environment.name)
            if not own or not app.may_be_in(environment.name) or own == environment.namespace:
                continue
            line = document.line(("apps", name, "namespace"))
            if not re.match(LABEL, own):
                yield line, f"apps.{name}.namespace: `{own}` in {environment.name} is no name of a namespace"
            elif (other := owners.setdefault(own, name)) != name:
                yield (
                    line,
                    f"apps.{name}.namespace: `{own}` is `{other}`'s own in {environment.name}; for several"
                    " apps, name it in `namespaces` of the environment, and in each object",
                )
