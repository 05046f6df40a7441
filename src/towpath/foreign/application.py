"""What an Application of Argo CD deploys."""

from collections.abc import Iterable
from typing import Any

from towpath.errors import ConfigError
from towpath.foreign.clusters import IN_CLUSTER
from towpath.foreign.definition import Definition, Fields, Note
from towpath.foreign.deployment import (
    ChartSource,
    Deployment,
    Destination,
    GitSource,
    LocalSource,
    Source,
    app_name,
    same_repository,
    set_parameter,
)
from towpath.foreign.helm_set import set_value
from towpath.yamltext.manifest_reader import load_document

MANAGER = "argocd-controller"
_SAME_AS_HERE = ("ServerSideApply=true", "ApplyOutOfSyncOnly=true", "RespectIgnoreDifferences=true")


def application(
    definition: Definition, urls: Iterable[str], notes: list[Note], *, app: str = ""
) -> Deployment | None:
    """The deployment of an Application; None when it has no counterpart, which a note says.

    Its namespace may be empty: then the files say it. `urls` are the addresses of the repository that the
    definitions are in. `app` is the app's name, where several Applications are one app in several places.
    """
    spec = Fields(definition, ("spec",), definition.data.get("spec"), notes)
    destination = spec.inner("destination")
    place = Destination(_cluster(destination), destination.text("namespace"))
    destination.tell_rest()
    if spec.take("sources"):
        spec.tell("sources", "(several sources) has no counterpart; the Application is not carried over")
        return None
    source = spec.inner("source")
    where = _source(source, tuple(urls))
    if where is None:
        return None
    options = _options(source, isinstance(where, ChartSource))
    if options is None:
        return None
    heals = _policy(spec)
    ignore = tuple(each for item in spec.items("ignoreDifferences") for each in _ignored(item))
    if (project := spec.text("project")) not in ("", "default"):
        spec.tell(
            "project", f"({project}) has no counterpart: its limits are `allowClusterScoped` and policy"
        )
    spec.tell_rest("revisionHistoryLimit", "info")
    return Deployment(
        app_name(app or definition.name),
        place,
        where,
        definition,
        MANAGER,
        heals=heals,
        ignore=ignore,
        **{"release": definition.name, **options},
    )


def _cluster(destination: Fields) -> str:
    name = destination.text("name") or destination.text("server")
    destination.take("server", "name")
    return "" if name in IN_CLUSTER else name


def _source(source: Fields, urls: tuple[str, ...]) -> Source | None:
    url, revision = source.text("repoURL"), source.text("targetRevision")
    if chart := source.text("chart"):
        if "://" in url and not url.startswith("oci://"):
            return ChartSource(chart, revision or "*", repository=url)
        return ChartSource(chart, revision or "*", oci=f"{url.removeprefix('oci://').rstrip('/')}/{chart}")
    path = source.text("path").strip("/").removeprefix("./") or "."
    if any(same_repository(url, each) for each in urls):
        if revision not in ("", "HEAD", "main", "master"):
            source.tell(
                "targetRevision", f"({revision}) is not followed: the files are taken as they are here"
            )
        return LocalSource(path)
    if not url:
        source.tell("repoURL", "is missing; the Application is not carried over")
        return None
    return GitSource(url, "main" if revision in ("", "HEAD") else revision, "" if path == "." else path)


def _options(source: Fields, is_chart: bool) -> dict[str, Any] | None:
    if source.take("plugin"):
        source.tell("plugin", "has no counterpart; the Application is not carried over")
        return None
    options: dict[str, Any] = {}
    helm, kustomize, directory = (source.inner(key) for key in ("helm", "kustomize", "directory"))
    if helm or is_chart:
        options = {"renderer": "helm", **_helm(helm)}
    elif kustomize:
        options = {"renderer": "kustomize", "overlay": _kustomize(kustomize)}
    else:
        options = {"recurse": bool(directory.take("recurse"))}
        directory.tell_rest()
    source.tell_rest("ref", "name")
    return options


def _helm(helm: Fields) -> dict[str, Any]:
    values: Any = helm.take("valuesObject")
    text = helm.text("values")
    if text and values is None:
        try:
            values = load_document(text, helm.definition.file)
        except ConfigError:
            helm.tell("values", "is no YAML, and is not carried over")
    values = dict(values) if isinstance(values, dict) else {}
    for parameter in helm.items("parameters"):
        name, value = parameter.text("name"), parameter.take("value")
        as_text = parameter.take("forceString") is True
        if not set_parameter(values, name, set_value(value, as_text=as_text)):
            parameter.tell("name", f"({name}) is more than keys, and is not carried over")
    files = helm.texts("valueFiles")
    release = helm.text("releaseName")
    helm.tell_rest("version", "passCredentials", "skipTests")
    return {"values": values, "value_files": files, **({"release": release} if release else {})}


def _kustomize(kustomize: Fields) -> dict[str, Any]:
    overlay = {
        key: value for key in ("namePrefix", "nameSuffix", "namespace") if (value := kustomize.text(key))
    }
    result: dict[str, Any] = dict(overlay)
    for key in ("commonAnnotations", "patches"):
        if value := kustomize.take(key):
            result[key] = value
    if labels := kustomize.take("commonLabels"):
        result["labels"] = [{"pairs": labels, "includeSelectors": True}]
    if images := [each for text in kustomize.texts("images") if (each := _image(text))]:
        result["images"] = images
    replicas = [
        {"name": each.text("name"), "count": each.take("count")} for each in kustomize.items("replicas")
    ]
    if replicas:
        result["replicas"] = replicas
    kustomize.tell_rest("version", "commonAnnotationsEnvsubst")
    return result


def _image(text: str) -> dict[str, str]:
    """`name=new:tag`, `name:tag` or `name@digest` as an entry of `images`."""
    name, equals, new = text.partition("=")
    new = new if equals else name
    head, _, digest = new.partition("@")
    slash = head.rfind("/")
    colon = head.rfind(":")
    repository, tag = (head[:colon], head[colon + 1 :]) if colon > slash else (head, "")
    entry = {"name": name if equals else repository, "newName": repository, "newTag": tag, "digest": digest}
    return {key: value for key, value in entry.items() if value and not (key == "newName" and not equals)}


def _policy(spec: Fields) -> bool:
    """Whether drift is healed."""
    policy = spec.inner("syncPolicy")
    automated = policy.inner("automated")
    on = policy.take("automated") is not None and automated.take("enabled") is not False
    if not on:
        policy.tell("", "is not automated: here what is merged is synced; `towpath pause` holds it up")
    if on and automated.take("prune") is not True:
        automated.tell("prune", "is off: here what leaves Git is deleted within `prune.limit`")
    for option in policy.texts("syncOptions"):
        if option == "CreateNamespace=true":
            policy.tell("syncOptions", "(CreateNamespace=true) has no counterpart: make the namespace before")
        elif option not in _SAME_AS_HERE:
            policy.tell("syncOptions", f"({option[:80]}) has no counterpart")
    heals = automated.take("selfHeal") is True
    automated.tell_rest("allowEmpty")
    policy.take("retry")
    policy.tell_rest()
    return heals


def _ignored(item: Fields) -> list[dict[str, Any]]:
    kind, name = item.text("kind") or "*", item.text("name")
    item.take("group")
    base = {"kind": kind, **({"name": name} if name else {})}
    rules = [{**base, "pointer": each} for each in item.texts("jsonPointers")]
    rules += [{**base, "manager": each} for each in item.texts("managedFieldsManagers")]
    item.tell_rest()
    return rules
