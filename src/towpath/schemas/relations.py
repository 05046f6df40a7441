"""What an API server wants of several fields together: one is at most another, a name stands once.

Schemas know one field at a time. A rule stands beside a definition, and holds wherever that is used.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from towpath.schemas.combinations import RULES as COMBINATIONS
from towpath.schemas.combinations import Rule
from towpath.schemas.problem import FieldPath, FieldProblem, shown_path
from towpath.schemas.quantities import amount
from towpath.schemas.texts import FORMS, LABEL, is_label_value
from towpath.schemas.versions import Schema


def related_problems(
    value: Any,
    schema: Schema,
    definitions: Mapping[str, Schema],
    path: FieldPath = (),
    inside: frozenset[str] = frozenset(),
) -> Iterator[FieldProblem]:
    """Problems of fields that are right on their own. Values of another type are left to the schema.

    `inside` are the definitions with exceptions that the value is a part of.
    """
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.removeprefix("#/$defs/")
        schema = definitions[name]
        for rule, exception in _ALL_RULES.get(name, ()) if isinstance(value, dict) else ():
            if exception not in inside:
                yield from rule(value, path)
        if name in _EXCEPTIONS:
            inside |= {name}
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, each in value.items():
            inner = properties.get(key, others)
            if isinstance(inner, dict) and isinstance(each, (dict, list)):
                yield from related_problems(each, inner, definitions, (*path, key), inside)
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        for index, each in enumerate(value):
            yield from related_problems(each, items, definitions, (*path, index), inside)


def metadata_problems(metadata: Any, path: FieldPath = ("metadata",)) -> Iterator[FieldProblem]:
    """The keys and values of labels and the keys of annotations."""
    if isinstance(metadata, dict):
        yield from _labels(metadata, (*path, "labels"))
        yield from _keys(metadata, (*path, "annotations"), "annotation-key")


def _labels(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    """`path` ends with the field of the labels."""
    yield from _keys(value, path, "label-key")
    for key, each in _mapping(value, str(path[-1])).items():
        if isinstance(each, str) and not is_label_value(each):
            place = shown_path((*path, key))
            yield FieldProblem((*path, key), f"`{place}` must be {FORMS['label-value'].noun}")


def _keys(value: dict[str, Any], path: FieldPath, form: str) -> Iterator[FieldProblem]:
    for key in _mapping(value, str(path[-1])):
        if not FORMS[form].matches(key):
            yield FieldProblem((*path, key), f"a key of `{shown_path(path)}` must be {FORMS[form].noun}")


def _template(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from metadata_problems(value.get("metadata"), (*path, "metadata"))


def _replicas(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _at_most(value.get("minReplicas") or 1, "minReplicas", value, "maxReplicas", path)


def _port_range(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _at_most(value.get("port"), "port", value, "endPort", path)


def _at_most(
    least: Any, small: str, value: dict[str, Any], large: str, path: FieldPath
) -> Iterator[FieldProblem]:
    most = value.get(large)
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield FieldProblem((*path, large), f"`{shown_path((*path, large))}` is less than `{small}`")


def _resources(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    requests, limits = _mapping(value, "requests"), _mapping(value, "limits")
    for field, amounts in (("requests", requests), ("limits", limits)):
        for name, each in amounts.items():
            wanted = amount(each)
            if wanted is not None and _is_counted(name) and wanted.denominator != 1:
                place = shown_path((*path, field, name))
                yield FieldProblem((*path, field, name), f"`{place}` must be a whole number")
    for name in requests.keys() & limits.keys():
        wanted, most = amount(requests[name]), amount(limits[name])
        if wanted is None or most is None:
            continue
        place = shown_path((*path, "requests", name))
        if wanted > most:
            yield FieldProblem((*path, "requests", name), f"`{place}` is more than its limit")
        elif wanted != most and (_is_counted(name) or name.startswith("hugepages-")):
            yield FieldProblem((*path, "requests", name), f"`{place}` must equal its limit")


def _is_counted(name: str) -> bool:
    """Whether a resource is an extended one, such as nvidia.com/gpu."""
    domain, slash, _ = name.partition("/")
    return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def _limit_range(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    for small, large in (
        ("min", "max"),
        ("min", "default"),
        ("min", "defaultRequest"),
        ("default", "max"),
        ("defaultRequest", "max"),
        ("defaultRequest", "default"),
    ):
        least, most = _mapping(value, small), _mapping(value, large)
        for name in least.keys() & most.keys():
            lower, upper = amount(least[name]), amount(most[name])
            if lower is not None and upper is not None and lower > upper:
                place = shown_path((*path, small, name))
                yield FieldProblem((*path, small, name), f"`{place}` is more than its `{large}`")


def _steps(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    if all(str(value.get(field)) in ("0", "0%") for field in ("maxSurge", "maxUnavailable")):
        yield FieldProblem(path, f"`{shown_path(path)}`: maxSurge and maxUnavailable must not both be 0")


def _once(*lists: str) -> Rule:
    """The items of these lists have different names, if any.

    Of more than one list: no name of the one is in another. Each by itself has its names as keys.
    """

    def rule(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
        first: dict[str, FieldPath] = {}
        for field in lists:
            items = value.get(field)
            for index, each in enumerate(items if isinstance(items, list) else ()):
                name = each.get("name") if isinstance(each, dict) else None
                if not isinstance(name, str) or not name:
                    continue
                place: FieldPath = (*path, field, index)
                earlier = first.setdefault(name, place)
                if earlier != place and (len(lists) == 1 or earlier[-2] != field):
                    shown = shown_path(place)
                    yield FieldProblem(place, f"`{shown}` has the same `name` as `{shown_path(earlier)}`")

    return rule


def _ports(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _once("ports")(value, path)
    ports = value.get("ports")
    for index, each in enumerate(ports if isinstance(ports, list) and len(ports) > 1 else ()):
        if isinstance(each, dict) and not each.get("name"):
            place: FieldPath = (*path, "ports", index)
            yield FieldProblem(place, f"`{shown_path((*place, 'name'))}` is missing; there are several ports")


def _versions(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _once("versions")(value, path)
    versions = value.get("versions")
    stored = [each for each in (versions if isinstance(versions, list) else ()) if isinstance(each, dict)]
    if stored and sum(each.get("storage") is True for each in stored) != 1:
        yield FieldProblem(
            (*path, "versions"),
            f"`{shown_path((*path, 'versions'))}`: exactly one version must have `storage: true`",
        )


def _selector(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    yield from _labels(value, (*path, "matchLabels"))


def _host(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    for field in ("hostname", "subdomain"):
        text = value.get(field)
        if isinstance(text, str) and text and not LABEL.match(text):
            place = shown_path((*path, field))
            yield FieldProblem((*path, field), f"`{place}` must be {FORMS['label'].noun}")


def _claims(value: dict[str, Any], path: FieldPath) -> Iterator[FieldProblem]:
    """Each is a volume of the pods by its name."""
    templates = value.get("volumeClaimTemplates")
    for index, each in enumerate(templates if isinstance(templates, list) else ()):
        metadata = each.get("metadata") if isinstance(each, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if name is None or (isinstance(name, str) and not LABEL.match(name)):
            place: FieldPath = (*path, "volumeClaimTemplates", index, "metadata", "name")
            reason = f"must be {FORMS['label'].noun}" if name else "is missing"
            yield FieldProblem(place, f"`{shown_path(place)}` {reason}")


def _mapping(value: dict[str, Any], field: str) -> dict[str, Any]:
    inner = value.get(field)
    return inner if isinstance(inner, dict) else {}


_STATEFUL = "io.k8s.api.apps.v1.StatefulSetSpec"
_METRIC = "io.k8s.api.autoscaling.v2.MetricIdentifier"
_EXCEPTIONS = (_STATEFUL, _METRIC)
RULES: dict[str, tuple[tuple[Rule, str], ...]] = {
    _STATEFUL: ((_claims, ""),),
    "io.k8s.api.apps.v1.RollingUpdateDaemonSet": ((_steps, ""),),
    "io.k8s.api.apps.v1.RollingUpdateDeployment": ((_steps, ""),),
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec": ((_replicas, ""),),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": ((_replicas, ""),),
    "io.k8s.api.core.v1.LimitRangeItem": ((_limit_range, ""),),
    "io.k8s.api.core.v1.PodSpec": ((_once("initContainers", "containers"), ""), (_host, _STATEFUL)),
    "io.k8s.api.core.v1.PodTemplateSpec": ((_template, ""),),
    "io.k8s.api.core.v1.ResourceRequirements": ((_resources, ""),),
    "io.k8s.api.core.v1.ServiceSpec": ((_ports, ""),),
    "io.k8s.api.discovery.v1.EndpointSlice": ((_once("ports"), ""),),
    "io.k8s.api.networking.v1.NetworkPolicyPort": ((_port_range, ""),),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": (
        (_versions, ""),
    ),
    "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector": ((_selector, _METRIC),),
}
"""Definition -> (rule, definition inside of which a server does not apply it)."""
_ALL_RULES = {name: (*RULES.get(name, ()), *COMBINATIONS.get(name, ())) for name in {*RULES, *COMBINATIONS}}
