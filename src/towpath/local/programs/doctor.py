"""`towpath doctor`: which parts this machine has, in which version, what is missing, and how to get it."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError, TowpathError
from towpath.evidence.owners import owners_of
from towpath.local.common.layout import Layout
from towpath.local.common.ports import is_busy
from towpath.local.common.stack import Options
from towpath.local.programs import checks, debian, golang, probes, tools
from towpath.local.programs.checks import Check, Machine, RequiredParts, Status
from towpath.local.users import passwd
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.old_pools import former_pools
from towpath.settings import Settings

DOCKER_HOST = "unix:///var/run/docker.sock"


def required_parts(environ: Mapping[str, str]) -> RequiredParts:
    """The parts that the stack must run, by the caller's environment and whether an engine answers."""
    host = environ.get("DOCKER_HOST") or DOCKER_HOST
    return RequiredParts(
        cluster=not environ.get("KUBECONFIG"),
        engine=not environ.get("DOCKER_HOST") and probes.docker_version(host) is None,
    )


def examine(settings: Settings, environ: Mapping[str, str]) -> list[Check]:
    """Run all checks in parallel."""
    required = required_parts(environ)
    machine = probes.examine_machine(settings)
    remembered = Options.load(Layout(settings.local))
    ports = {**checks.PORTS, **(checks.CLUSTER_PORTS if required.cluster else {})}
    if remembered:
        ports = {name: remembered.ports[name] for name in ports}
    host = settings.docker_host or DOCKER_HOST
    stack_runs = (settings.local / "settings.json").is_file()
    parts: list[Callable[[], Check]] = [
        lambda: checks.judge_python(platform.python_version()),
        lambda: checks.judge_package("prefect", probes.package_version("prefect")),
        lambda: checks.judge_program(
            "git",
            *probes.path_and_version("git", settings),
            remedy="Install git (Debian: apt-get install git).",
        ),
        lambda: _go(settings, required),
        lambda: checks.judge_engine(
            host,
            probes.docker_version(host),
            configured=bool(environ.get("DOCKER_HOST")),
        ),
        *(_probe_tool(name, settings, machine, needed=name in required.tools) for name in tools.TOOLS),
        lambda: checks.judge_root(machine, required),
        lambda: checks.judge_users(machine, passwd.missing_programs(), _users(settings, remembered)),
        lambda: checks.judge_cgroup(machine, required),
        lambda: checks.judge_memory(machine, required),
        lambda: checks.judge_disk(machine, required),
        lambda: checks.judge_ports(
            {name: port for name, port in ports.items() if is_busy(port)}, stack_runs=stack_runs
        ),
        lambda: checks.judge_server(
            settings.prefect_api_url, probes.server_version(settings.prefect_api_url)
        ),
        lambda: _cluster(settings),
        lambda: _former_pools(settings),
        lambda: _owners(settings),
    ]
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda part: part(), parts))


def fails(checks_: Sequence[Check]) -> bool:
    """Whether something needed is missing that `towpath local up` cannot get."""
    return any(check.status is Status.MISSING for check in checks_)


def _probe_tool(name: str, settings: Settings, machine: Machine, *, needed: bool) -> Callable[[], Check]:
    def probe() -> Check:
        tool = tools.TOOLS[name]
        try:
            paths = {program: tools.find(program, settings) for program in tool.programs}
        except TowpathError as error:  # a Trivy that is refused
            return Check(name, Status.MISSING, error.message, error.remedy or "")
        if isinstance(tool.source, debian.DebianPackage):
            absent = set(tool.source.missing())
            paths = {program: path for program, path in paths.items() if program not in absent}
        installed = {program: path for program, path in paths.items() if path}
        shown = {program: str(path) for program, path in installed.items()}
        if installed:  # one version for the row: its programs have the same
            program = next(reversed(installed))
            version = probes.program_version(installed[program])
            shown[program] = f"{version}, {installed[program]}" if version else str(installed[program])
        return checks.judge_tool(name, shown, machine, needed=needed)

    return probe


def _go(settings: Settings, required: RequiredParts) -> Check:
    programs = [tools.TOOLS[name].source for name in required.tools]
    needed = any(
        isinstance(source, golang.GoProgram) and not golang.built_path(source, settings).is_file()
        for source in programs
    )
    try:
        path, version = golang.find_go((1, 25))
    except MissingPartError as error:
        return checks.judge_go(None, error.message, needed=needed)
    return checks.judge_go(f"{version}, {path}", "", needed=needed)


def _users(settings: Settings, remembered: Options | None) -> dict[str, str] | None:
    """The users that the stack's parts run as, by role; None: there is no stack."""
    if remembered is None or not remembered.users:
        return None if remembered is None else {}
    return {role: user.name for role, user in passwd.users(Layout(settings.local.absolute())).items()}


def _former_pools(settings: Settings) -> Check:
    """Work pools of an earlier version of Towpath, from which no agent takes runs."""
    name = "former pools"
    if not settings.prefect_api_url:
        return Check(name, Status.ABSENT, "no Prefect server to ask")
    try:
        api = PrefectApi(settings.prefect_api_url, read_timeout=probes.TIMEOUT, retries=0)
        pools = former_pools(api)
    except TowpathError as error:
        return Check(name, Status.ABSENT, error.message)
    if not pools:
        return Check(name, Status.OK, "none")
    remedy = "`towpath deployments --move` makes what waits there anew, and says how to delete them."
    return Check(name, Status.MISSING, f"no agent takes the runs of {', '.join(pools)}", remedy)


def _owners(settings: Settings) -> Check:
    """Who signs what loosens the policy. Nobody is needed."""
    name = "policy"
    if settings.trusted_keys is None:
        return Check(name, Status.ABSENT, "unprotected: no trusted keys are configured")
    try:
        owners = owners_of(read_trusted_keys(settings.trusted_keys))
    except TowpathError as error:
        return Check(name, Status.MISSING, error.message, error.remedy or "")
    if not owners:
        return Check(name, Status.ABSENT, f"unprotected: {settings.trusted_keys} names no owner")
    return Check(name, Status.OK, f"owners: {', '.join(owners)}")


def _cluster(settings: Settings) -> Check:
    if settings.kubeconfig is None:
        return checks.judge_cluster(None, None, "")
    kubectl = tools.find("kubectl", settings)
    if kubectl is None:
        return checks.judge_cluster(settings.kubeconfig, None, "kubectl is not installed")
    command = [str(kubectl), "version", "--output=json", f"--request-timeout={probes.TIMEOUT:.0f}s"]
    environment = {**os.environ, "KUBECONFIG": settings.kubeconfig}
    try:
        answer = run(command, env=environment, timeout=probes.TIMEOUT + 5)
        version = str(json.loads(answer.stdout)["serverVersion"]["gitVersion"])
    except CommandError as error:
        reason = (error.output.splitlines() or ["does not answer"])[-1]
        return checks.judge_cluster(settings.kubeconfig, None, reason)
    except (ValueError, KeyError, TypeError):
        return checks.judge_cluster(settings.kubeconfig, None, "answers something else than a version")
    return checks.judge_cluster(settings.kubeconfig, version, "")
