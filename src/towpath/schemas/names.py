"""The limits of object names, kind by kind, where they are narrower than a DNS subdomain of 253 characters.

Source: Kubernetes 1.35, asked kind by kind (tests/agreement). OpenAPI documents do not tell them.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from towpath.schemas.child_names import last_indexed_pod
from towpath.schemas.texts import LABEL, LETTER_LABEL, MAX_SUBDOMAIN, SUBDOMAIN


def name_problem(group: str, kind: str, name: str, spec: Any = None) -> str | None:
    """Why an API server refuses this name for this kind and spec; None when it takes it."""
    rule = _RULES.get((group, kind))
    if rule or (problem := _subdomain(name)) is None:
        problem = rule(name) if rule else None
    if problem is None and (group, kind) == ("batch", "Job"):
        problem = _indexed(name, spec)
    if problem is None and (parts := _NAMED_BY_SPEC.get((group, kind))) and isinstance(spec, dict):
        expected = parts(spec)
        if expected and name != expected:
            problem = f"must be {expected}"
    return problem


def _subdomain(name: str, most: int = MAX_SUBDOMAIN) -> str | None:
    if len(name) > most:
        return f"has {len(name)} characters; at most {most} are allowed"
    if not SUBDOMAIN.match(name):
        return "must be lower-case letters, digits, `-` and `.`, and begin and end with a letter or digit"
    return None


def _label(name: str) -> str | None:
    if len(name) > 63:
        return f"has {len(name)} characters; at most 63 are allowed"
    if not LABEL.match(name):
        return "must be lower-case letters, digits and `-`, and begin and end with a letter or digit"
    return None


def _letter_label(name: str) -> str | None:
    if problem := _label(name):
        return problem
    return None if LETTER_LABEL.match(name) else "must begin with a letter"


def _path_segment(name: str) -> str | None:
    if name in (".", "..") or "/" in name or "%" in name:
        return "must not be `.` or `..`, nor contain `/` or `%`"
    return None


def _address(name: str) -> str | None:
    try:
        canonical = str(ipaddress.ip_address(name))
    except ValueError:
        canonical = ""
    return None if canonical == name else "must be an IP address in its canonical form"


def _indexed(name: str, spec: Any) -> str | None:
    pod = last_indexed_pod(name, spec)
    if pod is None or LABEL.match(pod):
        return None
    if "." in name:
        return "must have no `.`: the Job is indexed, and its pods' host names begin with this name"
    most = len(name) - (len(pod) - 63)
    return f"has {len(name)} characters; the Job is indexed, so at most {most} are allowed"


def _at_most(most: int) -> Callable[[str], str | None]:
    return lambda name: _subdomain(name, most)


def _of_definition(spec: dict[str, Any]) -> str:
    names = spec.get("names")
    plural, group = names.get("plural") if isinstance(names, dict) else None, spec.get("group")
    return f"{plural}.{group}" if isinstance(plural, str) and isinstance(group, str) else ""


def _of_service(spec: dict[str, Any]) -> str:
    version, group = spec.get("version"), spec.get("group")
    return f"{version}.{group}" if isinstance(version, str) and isinstance(group, str) else ""


_RULES: dict[tuple[str, str], Callable[[str], str | None]] = {
    ("", "Namespace"): _label,
    ("", "Service"): _letter_label,
    ("apps", "StatefulSet"): _label,
    ("batch", "CronJob"): _at_most(52),
    ("batch", "Job"): _at_most(63),
    ("networking.k8s.io", "IPAddress"): _address,
    ("policy", "PodDisruptionBudget"): _path_segment,
    ("rbac.authorization.k8s.io", "Role"): _path_segment,
    ("rbac.authorization.k8s.io", "ClusterRole"): _path_segment,
    ("rbac.authorization.k8s.io", "RoleBinding"): _path_segment,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _path_segment,
    ("certificates.k8s.io", "CertificateSigningRequest"): _path_segment,
}
_NAMED_BY_SPEC: dict[tuple[str, str], Callable[[dict[str, Any]], str]] = {
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _of_definition,
    ("apiregistration.k8s.io", "APIService"): _of_service,
}
