"""Renders Towpath's own chart, which comes with the package, by `helm template`.

It is ours, and the values are those of whoever runs the command: no sandbox, as there is nobody to fear.
"""

import os
import tempfile
from pathlib import Path

import towpath
from towpath.adapters.process import CommandError, run
from towpath.adapters.rendering.renderers import find_program
from towpath.errors import ConfigError, MissingPartError
from towpath.objects import Manifest
from towpath.yamltext.manifest_reader import load_document, load_documents

RELEASE = "towpath"
"""Name of the release: parts are called after it."""
TIMEOUT = 60.0


def chart_folder() -> Path:
    """The chart in the installed package, or in the clone that this package is run from."""
    package = Path(towpath.__file__).parent
    for folder in (package / "chart", package.parents[1] / "deployments" / "chart"):
        if (folder / "Chart.yaml").is_file():
            return folder
    raise MissingPartError(
        "the chart is not in this installation of Towpath", remedy="Install the package towpath anew."
    )


def render_own_chart(
    values: Path, namespace: str, tools: Path | None, kubernetes: str = ""
) -> tuple[Manifest, ...]:
    """The objects that the chart has with these values, in the chart's order.

    `kubernetes` is the version of the cluster; without it the chart does not ask for one that it can be in.
    Raises ConfigError for values that are no YAML or that the chart refuses, MissingPartError without helm.
    """
    _check(values)
    helm = find_program("helm", tools)
    with tempfile.TemporaryDirectory(prefix="towpath-install-") as home:
        command = [
            *(helm, "template", RELEASE, str(chart_folder()), "--namespace", namespace),
            *("--values", str(values.absolute())),
            *(("--kube-version", kubernetes) if kubernetes else ()),
        ]
        env = {"HOME": home, "TMPDIR": home, "PATH": home, "KUBECONFIG": os.devnull}
        try:
            text = run(command, cwd=Path(home), env=env, timeout=TIMEOUT).stdout
        except CommandError as error:
            raise ConfigError(
                f"the chart refuses these values: {_reason(error)}",
                file=str(values),
                remedy="docs/guides/install.md says what each value means; nothing was written.",
            ) from error
    return tuple(each.value for each in load_documents(text, str(values)))


def _reason(error: CommandError) -> str:
    """What helm says, without its advice about itself."""
    lines = [line for line in error.output.splitlines() if "--debug" not in line]
    return "\n".join(lines).removeprefix("Error: ").strip() or error.message


def _check(values: Path) -> None:
    try:
        content = values.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(values)) from error
    if not isinstance(load_document(content, str(values)) or {}, dict):
        raise ConfigError("values that are not a mapping", file=str(values))
