"""Compiles modules, so that no process has to: an image is read-only, and each start would do it again.

    python compile.py [--bare] --all PACKAGE ... -- MODULE ...

All of each PACKAGE, and of everything else what the MODULEs import, also of the standard library: the whole
of it would take three times the space. With --bare the latter lose their docstrings, a twentieth of an
agent's memory; asserts stay, of which one of SQLAlchemy's wants docstrings. Compiled files are not compared
with their sources (`unchecked-hash`), which do not change in an image, so that they count whatever a
builder does to the times of files.
"""

import ast
import importlib
import importlib.util
import marshal
import sys
from pathlib import Path

UNCHECKED = b"\1\0\0\0"
HAVE_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def sources(packages: list[str], modules: list[str]) -> dict[Path, bool]:
    """The files to compile, in a fixed order, and whether they are of a package that is compiled whole."""
    for name in modules:
        importlib.import_module(name)
    found = {
        Path(file).resolve(): False
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None))
    }
    for name in packages:
        for folder in importlib.util.find_spec(name).submodule_search_locations:
            found |= dict.fromkeys((path.resolve() for path in Path(folder).rglob("*.py")), True)
    return {path: found[path] for path in sorted(found) if path.suffix == ".py"}


def compiled(path: Path, *, bare: bool) -> bytes:
    """What belongs into the compiled file."""
    source = path.read_bytes()
    tree = ast.parse(source, path)
    if bare:
        for node in ast.walk(tree):
            while isinstance(node, HAVE_DOCSTRINGS) and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    code = compile(tree, path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)


def main() -> None:
    sys.dont_write_bytecode = True
    begin, cut = sys.argv.index("--all"), sys.argv.index("--")
    packages, modules, bare = sys.argv[begin + 1 : cut], sys.argv[cut + 1 :], "--bare" in sys.argv[:begin]
    number = 0
    for path, whole in sources(packages, modules).items():
        target = Path(importlib.util.cache_from_source(str(path)))
        if path != Path(__file__).resolve() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(compiled(path, bare=bare and not whole))
            number += 1
    sys.stdout.write(f"compiled {number} modules\n")


if __name__ == "__main__":
    main()
