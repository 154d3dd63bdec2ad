"""The arrows between the packages hold, and no package or module is left out of the rules."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
# Every package but the tests is under the import rules; benchmarks are not installed.
PACKAGES: Final = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
# import-linter knows packages only, so the arrows of these two are checked here.
MODULES: Final = {"app", "errors"}

# Types of the contract that have fields of each other's types.
CIRCLE_OF_THE_CONTRACT: Final = {"schema.movie", "schema.place", "schema.rating", "schema.session"}

# Names that several modules of a package may have, because they mean the same in each and are always called as
# `module.name(...)`.
SAME_MEANING: Final = {
    "build_routes": "returns the routes of its module",
    "register_jobs": "registers the jobs of its module with a queue",
    "routes": "returns the routes of its module",
    "serve": "answers the requests of its protocol",
}


def test_imports_follow_the_arrows() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603 - no input of others
        [command, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_package_is_in_the_layers_and_no_import_is_exempt() -> None:
    rules = PROJECT["importlinter"]
    (layers,) = [contract for contract in rules["contracts"] if contract["type"] == "layers"]
    assert set(rules["root_packages"]) == PACKAGES
    assert {name for layer in layers["layers"] for name in layer.split(" | ")} == PACKAGES
    assert not any(contract.get("ignore_imports") for contract in rules["contracts"])


def test_only_app_and_errors_are_outside_of_packages() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == MODULES


def test_everything_is_installed() -> None:
    assert set(PROJECT["setuptools"]["py-modules"]) == MODULES
    found = {pattern.rstrip("*") for pattern in PROJECT["setuptools"]["packages"]["find"]["include"]}
    assert found >= PACKAGES - {"benchmarks"}


def test_imports_of_packages_have_no_cycle() -> None:
    imports = {name: imported_by(name) - {name} for name in PACKAGES | MODULES}
    order = list(TopologicalSorter(imports).static_order())
    assert order[0] in {"errors", "runtime"}
    assert imports["errors"] == set()
    assert {name for name, found in imports.items() if "app" in found} <= {"cli", "benchmarks"}


def test_modules_of_a_package_import_each_other_in_no_circle() -> None:
    circles = {name: find_circle(name) - CIRCLE_OF_THE_CONTRACT for name in PACKAGES}
    assert not {name: found for name, found in circles.items() if found}


def test_only_stock_writes_taken() -> None:
    sources = [path for folder in PACKAGES - {"demo", "benchmarks"} for path in (ROOT / folder).rglob("*.py")]
    writers = {
        str(path.relative_to(ROOT))
        for path in sources
        if re.search(r"\bSET\s+taken\b|,\s*taken\s*=\s", path.read_text(encoding="utf-8"))
    }
    assert writers == {"domain/stock.py"}


def test_no_two_functions_or_classes_of_a_package_share_a_name() -> None:
    # Each file of benchmarks is a program of its own.
    for package in PACKAGES - {"benchmarks"}:
        files = defaultdict(list)
        for file in (ROOT / package).rglob("*.py"):
            for name in public_names(file):
                files[name].append(str(file.relative_to(ROOT)))
        shared = {name: found for name, found in files.items() if len(found) > 1 and name not in SAME_MEANING}
        assert not shared


def public_names(file: Path) -> list[str]:
    """Return the names of the public functions and classes of a module; migrations all have `upgrade` and `downgrade`."""
    if "migrations" in file.parts:
        return []
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return [node.name for node in nodes if isinstance(node, definitions) and not node.name.startswith("_")]


def find_circle(package: str) -> set[str]:
    """Return the modules of a package that import themselves by way of others, inside functions and for types too."""
    files = {module_name(file): file for file in (ROOT / package).rglob("*.py")}
    left = {name: imported_modules(file) & files.keys() - {name} for name, file in files.items()}
    while free := {name for name, found in left.items() if not found & left.keys()}:
        left = {name: found for name, found in left.items() if name not in free}
    # What is left imports a circle, or is one.
    return {name for name in left if name in find_imported(name, left)}


def find_imported(name: str, imports: dict[str, set[str]]) -> set[str]:
    """Return the modules that one imports, those that these import, and so on."""
    found: set[str] = set()
    ahead = set(imports[name])
    while ahead:
        found |= ahead
        ahead = {each for module in ahead for each in imports.get(module, ())} - found
    return found


def module_name(file: Path) -> str:
    """Return the name that a file is imported by."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(file: Path) -> set[str]:
    """Return the names of modules that a file may import: `from a import b` may mean the module `a` or `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def imported_by(name: str) -> set[str]:
    """Return the packages and modules of ours that one of them imports, anywhere in its files."""
    files = [ROOT / f"{name}.py"] if name in MODULES else (ROOT / name).rglob("*.py")
    return {top for file in files for top in imported_names(file)} & (PACKAGES | MODULES)


def imported_names(file: Path) -> set[str]:
    """Return the first part of every module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
