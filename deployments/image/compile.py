"""Compiles modules, so that no process has to: an image is read-only, and each start would do it again.

    python compile.py --all PACKAGE ... -- MODULE ...

All of each PACKAGE, and of everything else what the MODULEs import, also of the standard library: the whole
of it would take three times the space. Compiled files are not compared with their sources (`unchecked-hash`),
which do not change in an image, so that they count whatever a builder does to the times of files.
"""

import importlib
import importlib.util
import py_compile
import sys
from pathlib import Path


def sources(packages: list[str], modules: list[str]) -> list[Path]:
    """The files to compile, in a fixed order."""
    for name in modules:
        importlib.import_module(name)
    found = {
        Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))
    }
    for name in packages:
        for folder in importlib.util.find_spec(name).submodule_search_locations:
            found.update(Path(folder).rglob("*.py"))
    return sorted(path.resolve() for path in found if path.suffix == ".py")


def main() -> None:
    sys.dont_write_bytecode = True
    cut = sys.argv.index("--")
    packages, modules = sys.argv[2:cut], sys.argv[cut + 1 :]
    compiled = 0
    for path in sources(packages, modules):
        target = Path(importlib.util.cache_from_source(str(path)))
        if path != Path(__file__).resolve() and not target.exists():
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(path), cfile=str(target), invalidation_mode=mode, doraise=True)
            compiled += 1
    sys.stdout.write(f"compiled {compiled} modules\n")


if __name__ == "__main__":
    main()
