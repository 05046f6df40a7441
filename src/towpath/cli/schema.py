"""`towpath schema`: the JSON Schema of what a verb prints with `--output json`."""

import json
from pathlib import Path

import click
from click.shell_completion import CompletionItem


def complete_verb(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Verbs that print JSON."""
    from towpath.cli.outputs.schema import OUTPUTS

    return [CompletionItem(verb) for verb in OUTPUTS if verb.startswith(incomplete)]


@click.command(name="schema")
@click.argument("verb", nargs=-1, shell_complete=complete_verb)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Write the schema of each verb there."
)
def command(verb: tuple[str, ...], folder: Path | None) -> None:
    """Print the JSON Schema of the output of VERB (as `keys list`); without one, list verbs that have one.

    What is described stays: later versions may add keys, and take none away. `towpath logs` prints an object
    on each line, which is what its schema describes.

    \b
    Examples:
      towpath schema
      towpath schema get > get.schema.json
      towpath schema keys list
      towpath schema --folder schemas/
    """
    from towpath.cli.outputs.schema import OUTPUTS, output_schema
    from towpath.errors import UnknownNameError

    if folder is not None:
        if verb:
            raise click.UsageError("--folder writes the schemas of all verbs, and goes with no verb.")
        folder.mkdir(parents=True, exist_ok=True)
        for each in OUTPUTS:
            (folder / file_name(each)).write_text(schema_text(output_schema(each)), encoding="utf-8")
        click.echo(f"{len(OUTPUTS)} schemas are written to {folder}")
        return
    named = " ".join(verb)
    if not named:
        click.echo("\n".join(OUTPUTS))
    elif named in OUTPUTS:
        click.echo(schema_text(output_schema(named)), nl=False)
    else:
        raise UnknownNameError("output of verb", named, OUTPUTS)


def file_name(verb: str) -> str:
    """`keys list` -> `keys-list.schema.json`"""
    return f"{verb.replace(' ', '-')}.schema.json"


def schema_text(schema: object) -> str:
    """As it is printed and stored."""
    return json.dumps(schema, indent=2) + "\n"
