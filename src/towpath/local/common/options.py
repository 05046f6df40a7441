"""Decides which parts the stack runs itself, from the command line, the environment and saved options."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from towpath.errors import TerminalError, TransientError
from towpath.local.common.http import request
from towpath.local.common.layout import Layout
from towpath.local.common.ports import parse_ports, refuse_clashes
from towpath.local.common.stack import Options
from towpath.release.image_ref import parse_image

SYSTEM_ENGINE = "unix:///var/run/docker.sock"
_LONGEST_PREFIX = 28
"""The smallest pod network has 14 addresses; fewer do not suffice for the demo."""


@dataclass(frozen=True, slots=True)
class RequestedOptions:
    """Options from the command line; None or empty when not given."""

    ports: tuple[str, ...] = ()
    subnet: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    registry: str | None = None
    environments: str | None = None


def decide_options(
    layout: Layout,
    remembered: Options | None,
    requested: RequestedOptions,
    environ: Mapping[str, str],
    *,
    running: bool,
) -> Options:
    """The options of the stack. Raises TerminalError when a running stack was started with other ones."""
    if running and remembered:
        changed = _apply(remembered, requested)
        if changed != remembered:
            raise TerminalError(
                "the stack already runs with other options",
                remedy="`towpath local down` first (the data stays), then `up` with the new ones.",
            )
        return remembered
    base = remembered or Options(subnet=layout.subnet)
    # Whether the machine has a cluster or an engine of its own is checked at every start.
    kubeconfig = external(environ.get("KUBECONFIG"), layout)
    if requested.context and not requested.kubeconfig and not kubeconfig:
        kubeconfig = str(Path("~/.kube/config").expanduser())
    options = _apply(
        replace(base, kubeconfig=kubeconfig, docker_host=external_engine(environ, layout)), requested
    )
    if options.kubeconfig and not Path(options.kubeconfig).is_file():
        raise TerminalError(
            f"there is no kubeconfig {options.kubeconfig}",
            remedy="Unset KUBECONFIG, and the stack runs a cluster of its own.",
        )
    refuse_clashes(options.ports)
    return options


def refuse_malformed(requested: RequestedOptions) -> None:
    """Raise TerminalError for options that are invalid on every machine."""
    parse_ports(requested.ports)
    try:
        subnet = ipaddress.IPv4Network(requested.subnet) if requested.subnet is not None else None
    except ValueError as error:
        raise TerminalError(
            f"--subnet {requested.subnet}: {error}", remedy="Say --subnet 10.99.0.0/24."
        ) from error
    if subnet and subnet.prefixlen > _LONGEST_PREFIX:
        raise TerminalError(f"--subnet {subnet} is too small for pods", remedy="Say --subnet 10.99.0.0/24.")
    if requested.registry is not None and not _is_registry(requested.registry):
        raise TerminalError(
            f"--registry {requested.registry} is not a registry's HOST:PORT",
            remedy="Say --registry registry.example.com, or 127.0.0.1:5000: no scheme and no path.",
        )


def _is_registry(text: str) -> bool:
    try:
        return parse_image(f"{text}/app").registry == text
    except TerminalError:
        return False


def _apply(options: Options, requested: RequestedOptions) -> Options:
    values = {
        name: getattr(requested, name)
        for name in ("subnet", "kubeconfig", "context", "registry", "environments")
        if getattr(requested, name) is not None
    }
    if "kubeconfig" in values:
        values["kubeconfig"] = str(Path(values["kubeconfig"]).expanduser().resolve())
    return replace(options, ports={**options.ports, **parse_ports(requested.ports)}, **values)


def external(value: str | None, layout: Layout) -> str | None:
    """`value`, or None when it names a part of this stack (set by `towpath local env` in a shell)."""
    if not value or str(layout.root) in value:
        return None
    return value


def external_engine(environ: Mapping[str, str], layout: Layout) -> str | None:
    """Address of a Docker Engine outside of the stack: DOCKER_HOST, else the system's if it answers."""
    host = external(environ.get("DOCKER_HOST"), layout)
    if host:
        return host
    exists = os.path.exists(SYSTEM_ENGINE.removeprefix("unix://"))  # noqa: PTH110
    return SYSTEM_ENGINE if exists and engine_answers() else None


def engine_answers(host: str = SYSTEM_ENGINE) -> bool:
    """Whether a Docker Engine answers on this Unix socket."""
    try:
        return request("GET", f"{host}:/_ping", timeout=3.0).ok
    except TransientError:
        return False
