"""Definitions are found with their lines, and every field that nobody takes is told."""

from pathlib import Path

from tests.unit.foreign.definitions import application_text, definitions
from towpath.foreign.definition import Fields, Note, read_definitions


def test_each_document_has_its_lines(tmp_path: Path) -> None:
    text = "# first\n" + application_text("project: a") + "---\nkind: Service\napiVersion: v1\n---\n"
    found, notes = definitions(
        tmp_path / "x", text + application_text("\n  project: b,\n  source: {path: c}\n")
    )
    assert [(each.title, each.line(("spec", "project"))) for each in found] == [
        ("Application shop", 5),
        ("Application shop", 14),
    ]
    assert found[1].line(("spec", "source", "path", "more")) == 15
    assert notes == []


def test_what_cannot_be_read_is_told_only_where_a_definition_may_be(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("a: {{ .x }}\n")
    (tmp_path / "broken.yaml").write_text(
        "kind: Application\napiVersion: argoproj.io/v1alpha1\nx: {{ .y }}: z\n"
    )
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/a.yaml").write_text(application_text(""))
    (tmp_path / "link.yaml").symlink_to(tmp_path / ".hidden/a.yaml")
    notes = []
    assert read_definitions(tmp_path, notes) == []
    (note,) = notes
    assert str(note).startswith("broken.yaml:3: cannot be read")


def test_what_is_not_taken_is_told_with_its_line(tmp_path: Path) -> None:
    text = application_text(
        "\n  project: [1],\n  new: {a: 1},\n  off: false,\n  none: null,\n  known: 1,\n  items: [{x: 1}]\n"
    )
    (definition,), notes = definitions(tmp_path / "x", text)
    fields = Fields(definition, ("spec",), definition.data["spec"], notes)
    assert fields.text("project") == ""
    (item,) = fields.items("items")
    item.tell_rest()
    fields.tell_rest("known")
    assert [str(each).removeprefix("apps.yaml:") for each in notes] == [
        "5: Application shop: `spec.project` is no text",
        "10: Application shop: `spec.items.0.x` has no counterpart",
        "6: Application shop: `spec.new` has no counterpart",
    ]


def test_a_template_of_a_chart_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "apps/templates/more").mkdir(parents=True)
    (tmp_path / "apps/Chart.yaml").write_text("name: apps\n")
    text = "{{- range .Values.apps }}\napiVersion: argoproj.io/v1alpha1\nkind: Application\n{{ end }}\n"
    (tmp_path / "apps/templates/more/all.yaml").write_text(text)
    (tmp_path / "other.yaml").write_text(text)
    notes: list[Note] = []
    assert read_definitions(tmp_path, notes) == []
    first, second = map(str, notes)
    assert first.startswith("apps/templates/more/all.yaml:1: is a template of the chart apps")
    assert "`helm template apps`" in first
    assert second.startswith("other.yaml:1: cannot be read: not valid YAML")
