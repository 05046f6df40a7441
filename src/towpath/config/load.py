"""Reads and checks `towpath.yaml`."""

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from towpath.config.checks import check_expressions, check_names
from towpath.config.explain import explain
from towpath.config.keys.app import App
from towpath.config.keys.models import CONFIG_FILE, Config
from towpath.config.nulls import without_null_collections
from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import require_known
from towpath.formats.versions import (
    CONFIG,
    LATEST,
    VERSION_KEY,
    FileVersion,
    is_newer,
    known_version,
    range_problem,
    ranges_in,
)
from towpath.yamltext.config_reader import MAX_PROBLEMS, ConfigDocument, config_error, read_document


def load_config(checkout: Path) -> Config:
    """Read `towpath.yaml` of a checkout of the environment repository.

    Raises ConfigError with all problems.
    """
    text = read_text(checkout, CONFIG_FILE)
    if text is None:
        raise ConfigError(
            "there is no such file, so this is no environment repository",
            file=CONFIG_FILE,
            remedy="`towpath init` makes an environment repository.",
        )
    return parse_config(text, CONFIG_FILE)


def parse_config(text: str, file: str = CONFIG_FILE) -> Config:
    """Parse the text of a `towpath.yaml`; `file` is its name in errors."""
    document = read_document(text, file)
    if not isinstance(document.data, dict):
        raise ConfigError(f"must be a mapping that begins with `{VERSION_KEY}: {LATEST}`", file=file, line=1)
    version = _version(document, file)
    data = without_null_collections(Config, document.data, kept=("apps",))
    try:
        # Only from JSON does strict mode accept lists as tuples and texts as dates.
        config = Config.model_validate_json(json.dumps(data), by_name=False, by_alias=True)
    except ValidationError as error:
        errors = sorted(
            (document.line(tuple(problem["loc"])), index, problem)
            for index, problem in enumerate(error.errors(include_url=False))
            # pydantic takes a list of wrong items for empty; the problems of the items are enough.
            if problem["type"] != "too_short" or not problem["input"]
        )
        problems = [
            (line, explain(dict(problem), version=version)) for line, _, problem in errors[: MAX_PROBLEMS + 1]
        ]
        # Problems beyond the limit are not shown: they only count, so they need no sentence.
        problems += [(line, f"{index}") for line, index, _ in errors[MAX_PROBLEMS + 1 :]]
        raise config_error(problems, file) from error
    check_names(config, document, file)
    if config.health_check_exprs:
        check_expressions(config, document, file)
    return config


def _version(document: ConfigDocument, file: str) -> FileVersion:
    """The version of the file, of which it has no key of another one. Raises ConfigError.

    A version that is none at all is told with the other wrong values.
    """
    written = document.data.get(VERSION_KEY)
    if not is_newer(written):
        version = known_version(written) or LATEST
        problems = [
            (document.line(path), problem)
            for path, each in ranges_in(document.data, CONFIG)
            if (problem := range_problem(each, version))
        ]
        if problems:
            raise config_error(problems, file)
        return version
    return require_known(document, file, key_tree(Config))


def config_schema() -> dict[str, Any]:
    """The JSON Schema of `towpath.yaml`, for editors."""
    schema = Config.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "towpath.yaml",
    }


def resolve_source_url(app: App, environments_url: str) -> str:
    """The URL of an app's source. `./` and `../` are resolved against the URL of the environment repository.

    The rule is that of `git submodule`: `../hello.git` next to `https://host/team/environments.git` is
    `https://host/team/hello.git`. Raises ConfigError without a source, and when there are more `../` than the
    URL has parts; RefusedError for an app without images.
    """
    app.require_released()
    if app.source is None:
        raise ConfigError(
            f"app {app.name} has no `source`, so there is nothing to build",
            file=CONFIG_FILE,
            remedy="Name its code there, as `source: {repository: ../shop.git, branch: main}`; or bring"
            " an image in that was built elsewhere: `towpath promote APP --to ENVIRONMENT --image IMAGE`.",
        )
    url = app.source.repository
    if not re.match(r"\.{1,2}/", url):
        return url
    base = environments_url.rstrip("/")
    while prefix := re.match(r"(\.{1,2})/+", url):
        url = url[prefix.end() :]
        if prefix[1] == "..":
            cut = max(base.rfind("/"), base.rfind(":"))
            if cut <= 0 or base[: cut + 1].endswith("://") or (base[cut] == ":" and not base[cut + 1 :]):
                raise ConfigError(
                    f"source of app {app.name} leads above {environments_url.partition('://')[0]} root",
                    file=CONFIG_FILE,
                )
            base = base[: cut + (base[cut] == ":")]
    return base + url if base.endswith(":") else f"{base}/{url}"
