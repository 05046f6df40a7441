"""The project's modules: their rooms, and which of them only describe values. For benchmarks/way.py."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
SOURCES = {TOP / "src" / "towpath": "towpath", TOP / "tasks": "tasks", TOP / "flows": "flows"}
NESTED = ("adapters", "engine")
"""Packages whose packages are rooms of their own."""
ACTING = ("flows", "tasks", "orchestration", "engine", "adapters")
"""What reads or writes something outside; the other rooms compute values of values."""
MOST_STATEMENTS = 8
"""So long is an accessor at most: it computes something of its arguments, and calls nobody."""


def module_of(file: str) -> str:
    """`towpath.engine.live.observe` of its file; empty for what is not the project's."""
    return _module_of(file)


@functools.cache
def _module_of(file: str) -> str:
    for folder, package in SOURCES.items():
        if file.startswith(f"{folder}/"):
            parts = Path(file).relative_to(folder).with_suffix("").parts
            return ".".join((package, *(part for part in parts if part != "__init__")))
    return ""


def room_of(module: str) -> str:
    """`engine.live` of `towpath.engine.live.observe`, `kube` of `towpath.kube.diff`, `tasks` of any task."""
    package, *parts = module.split(".")
    if package != "towpath":
        return package
    if parts[0] in NESTED and len(parts) > 2:
        return ".".join(parts[:2])
    return parts[0]


def acts(room: str) -> bool:
    """Whether a room reads or writes something outside."""
    return room.partition(".")[0] in ACTING


@functools.cache
def is_value_type(module: str) -> bool:
    """Whether a module only describes: frozen records, errors, enumerations, protocols, and accessors.

    An accessor has at most MOST_STATEMENTS statements and no loop that waits, opens nothing, and the module
    imports nothing of the project but other value types.
    """
    tree = ast.parse(_file_of(module).read_text())
    return all(_describes(node) for node in tree.body)


def _describes(node: ast.stmt) -> bool:
    match node:
        case ast.ImportFrom(module=str(name)) if name.split(".")[0] in SOURCES.values():
            return all(is_value_type(each) for each in _imported(name, node))
        case ast.Import() | ast.ImportFrom() | ast.Assign() | ast.AnnAssign() | ast.Expr():
            return True
        case ast.FunctionDef():
            return _statements(node) <= MOST_STATEMENTS and not _acts(node)
        case ast.ClassDef():
            return _is_frozen(node) and all(_describes(each) for each in node.body)
        case ast.Pass() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _is_frozen(node: ast.ClassDef) -> bool:
    """A frozen dataclass, or a subclass of what cannot be or is not meant to be changed."""
    if any("frozen=True" in ast.unparse(each) for each in node.decorator_list):
        return True
    bases = " ".join(map(ast.unparse, node.bases))
    return any(word in bases for word in ("Error", "Exception", "Enum", "Protocol", "NamedTuple", "Model"))


def _statements(node: ast.FunctionDef) -> int:
    docstring = ast.get_docstring(node) is not None
    return sum(isinstance(each, ast.stmt) for each in ast.walk(node)) - 1 - docstring


def _acts(node: ast.FunctionDef) -> bool:
    named = (each for each in ast.walk(node) if isinstance(each, (ast.While, ast.With, ast.AsyncWith)))
    return any(True for _ in named)


def _imported(name: str, node: ast.ImportFrom) -> Iterator[str]:
    for each in node.names:
        inner = f"{name}.{each.name}"
        yield inner if _file_of(inner).exists() else name


def _file_of(module: str) -> Path:
    package, *parts = module.split(".")
    folder = next(path for path, name in SOURCES.items() if name == package)
    path = folder.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
