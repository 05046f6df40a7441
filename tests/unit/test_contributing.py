"""What CONTRIBUTING.md and the map say of the code is what is there."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAP = (ROOT / "docs" / "guides" / "map.md").read_text()
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]


def layers_of(container: str | None) -> list[list[str]]:
    """The layers of the contract about one container, from the top; modules of one layer stand together."""
    for contract in CONTRACTS:
        if contract["type"] == "layers" and contract.get("containers") == (container and [container]):
            return [layer.split(" : ") for layer in contract["layers"]]
    raise LookupError(container)


def rooms_of_the_contracts() -> list[list[str]]:
    rooms = layers_of(None)[:-1]
    for layer in layers_of("towpath"):
        rooms.append(layer)
        if layer == ["engine"]:
            rooms += [[f"engine.{name}"] for (name,) in layers_of("towpath.engine")]
    return rooms


def test_the_table_names_the_rooms_of_the_contracts_in_their_order() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", CONTRIBUTING, re.MULTILINE)
    assert [re.findall(r"`([\w.]+)`", row) for row in rows] == rooms_of_the_contracts()


@pytest.mark.parametrize("room", ["health", "local"])
def test_the_order_inside_a_room_is_that_of_its_contract(room: str) -> None:
    told = re.search(rf"in `{room}`, ([^;.]*)[;.]", CONTRIBUTING)
    assert told
    assert re.findall(r"`(\w+)`", told[1]) == [
        name for layer in layers_of(f"towpath.{room}") for name in layer
    ]


def test_every_file_that_the_map_names_is_there() -> None:
    paths = [path for path in re.findall(r"`([\w./-]+/[\w./-]*)`", MAP) if "<" not in path]
    known = {path for path in paths if (ROOT / path).exists() or (ROOT / "src/towpath" / path).exists()}
    assert set(paths) - known == set()
    assert len(paths) > 20


def test_every_room_in_the_picture_is_one() -> None:
    picture = MAP.split("```mermaid")[1].split("```")[0]
    rooms = [room for label in re.findall(r'<br/>([^"]*)"', picture) for room in label.split(", ")]
    assert rooms
    for room in rooms:
        path = ROOT / "src" / "towpath" / room
        assert path.is_dir() or path.with_suffix(".py").is_file(), room
