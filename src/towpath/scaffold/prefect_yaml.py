"""The `prefect.yaml` for the environments of a `towpath.yaml`. Pure.

Work pools are the trust boundary: `deliver` runs in the pool `towpath-build`, all that touches an environment
runs in the pool of that environment, where its agent pulls its work.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from towpath.config import Config
from towpath.orchestration import keys
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.writer import represent_text

PREFECT_FILE = "prefect.yaml"
HEADER = "# Written by `towpath deployments`"
_SUM = "# As written, all above has the SHA-256 "
RECONCILE_EVERY = timedelta(minutes=3)
DEEP_EVERY = timedelta(hours=1)
"""Interval of the deep check, a dry run of every object, which costs as much as `kubectl diff`."""
_ANCHOR_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_COMPARED = ("entrypoint", "work_pool.name", "parameters", "concurrency_limit")


def build_prefect_yaml(config: Config) -> dict[str, Any]:
    """The content of `prefect.yaml`: deliver once; promote, reconcile and rollback for every environment."""
    return prefect_yaml_of([None, *(environment.name for environment in config.environments)])


def prefect_yaml_of(environments: Sequence[str | None]) -> dict[str, Any]:
    """The same for environments by name; None stands for what builds, and comes first."""
    one = {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    pools = {name: {"name": keys.pool(name)} for name in environments}
    names = [name for name in environments if name is not None]
    deliver = [_deliver(pools[None])] if None in pools else []
    return {
        "name": "towpath",
        "pull": [],
        "definitions": {"one-at-a-time": one},
        "deployments": [*deliver, *_deployments(names, pools, one)],
    }


def _deliver(pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": keys.deployment_name(keys.DELIVER),
        "description": "From a commit to a release, then to the first environment.",
        "entrypoint": "flows/deliver.py:deliver",
        "tags": ["towpath"],
        "work_pool": pool,
    }


def _deployments(
    names: Sequence[str], pools: dict[str | None, dict[str, Any]], one: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for index, name in enumerate(names):
        step = RECONCILE_EVERY / len(names)
        common = {
            "parameters": {"environment": name},
            "tags": ["towpath", keys.environment_tag(name)],
            "work_pool": pools[name],
        }
        yield {
            "name": keys.deployment_name(keys.PROMOTE, name),
            "description": f"A release into {name}: gate, commit, sync, verify.",
            "entrypoint": "flows/promote.py:promote",
            **common,
        }
        yield {
            "name": keys.deployment_name(keys.RECONCILE, name),
            "description": f"Make {name} equal to Git.",
            "entrypoint": "flows/reconcile.py:reconcile",
            **common,
            "concurrency_limit": one,
            # Not all at the same moment; the deep check between two quick ones: overlaps are cancelled.
            "schedules": [
                {"slug": "quick", **_every(RECONCILE_EVERY, index * step)},
                {
                    "slug": "deep",
                    **_every(DEEP_EVERY, index * step + RECONCILE_EVERY / 2),
                    "parameters": {"deep": True},
                },
            ],
        }
        yield {
            "name": keys.deployment_name(keys.ROLLBACK, name),
            "description": f"Back to an earlier release in {name}, by a new commit.",
            "entrypoint": "flows/rollback.py:rollback",
            **common,
        }


def _every(interval: timedelta, after: timedelta) -> dict[str, Any]:
    anchor = (_ANCHOR_DATE + after).replace(microsecond=0).isoformat()
    return {"interval": int(interval.total_seconds()), "anchor_date": anchor}


def dump_prefect_yaml(content: dict[str, Any]) -> str:
    """The text of `prefect.yaml`, for people: named anchors, short lists in one line."""
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    for key in ("pull", "definitions", "deployments"):
        text = text.replace(f"\n{key}:", f"\n\n{_COMMENTS.get(key, '')}{key}:", 1)
    first, *rest = text.split("\n  - name:")
    whole = (
        f"{HEADER} for the environments of a towpath.yaml; it checks it, too, with --check.\n"
        + "\n".join(["# `prefect --no-prompt deploy --all` in this folder creates every deployment.", first])
        + "".join(f"{'' if index == 0 else chr(10)}\n  - name:{item}" for index, item in enumerate(rest))
    )
    return f"{whole}{_SUM}{_sha256(whole)}\n"


def is_as_written(text: str) -> bool:
    """Whether nobody has changed the text since it was written: its last line has the sum of the others."""
    whole, _, told = text.rpartition(_SUM)
    return whole.startswith(HEADER) and told.strip() == _sha256(whole)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_COMMENTS = {
    "pull": "# Agents run the flows that are installed with them: no code is pulled.\n",
    "deployments": "# A work pool is the trust boundary: only its agent has its credentials.\n",
}


def prefect_yaml_problems(text: str, config: Config, file: str = PREFECT_FILE) -> list[str]:
    """A sentence for each difference of a `prefect.yaml` to what `config` needs. It may contain more."""
    content = read_document(text, file).data
    found = content.get("deployments") if isinstance(content, dict) else None
    there = {_title(each): each for each in found or [] if isinstance(each, dict)}
    problems: list[str] = []
    wanted = {_title(each): each for each in build_prefect_yaml(config)["deployments"]}
    for title, deployment in wanted.items():
        if title not in there:
            problems.append(f"deployment {title} is missing")
            continue
        for key in _COMPARED:
            is_, should = _at(there[title], key), _at(deployment, key)
            if is_ != should:
                problems.append(f"deployment {title}: {key} is {is_!r}, must be {should!r}")
        if "schedules" in deployment and not there[title].get("schedules"):
            problems.append(f"deployment {title} has no schedule")
    flows = {title.partition("/")[0] for title in wanted}
    problems += [
        f"deployment {title} is for no environment of towpath.yaml"
        for title in there.keys() - wanted.keys()
        if title.partition("/")[0] in flows
    ]
    return problems


def _title(deployment: dict[str, Any]) -> str:
    return f"{str(deployment.get('entrypoint')).rpartition(':')[2]}/{deployment.get('name')}"


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


class _Dumper(yaml.SafeDumper):
    """Names anchors after what they stand for, and indents lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def generate_anchor(self, node: yaml.Node) -> str:
        values = {key.value: value.value for key, value in node.value} if isinstance(node.value, list) else {}
        return str(values.get("name", "one-at-a-time"))

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        short = all(not isinstance(value, dict | list) for value in mapping.values()) and len(mapping) < 3
        return super().represent_mapping(tag, mapping, flow_style=short or flow_style)

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        short = all(isinstance(item, str) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=short or flow_style)

    def ignore_aliases(self, data: Any) -> bool:
        # Only the definitions are shared on purpose.
        return not (isinstance(data, dict) and ("job_variables" in data or "collision_strategy" in data))


_Dumper.add_representer(str, represent_text)
