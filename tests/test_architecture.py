"""The arrows between the packages hold, and no package or module is left out of the rules."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]
# Every package but the tests is under the import rules; benchmarks are not installed.
_PACKAGES = {path.parent.name for path in _ROOT.glob("*/__init__.py")} - {"tests"}


def test_imports_follow_the_arrows() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603 - no input of others
        [command, "--no-logo", "--no-cache"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_package_is_under_the_rules() -> None:
    assert set(_PROJECT["importlinter"]["root_packages"]) == _PACKAGES


def test_everything_at_the_root_is_installed() -> None:
    modules = {path.stem for path in _ROOT.glob("*.py")}
    assert set(_PROJECT["setuptools"]["py-modules"]) == modules
    found = {pattern.rstrip("*") for pattern in _PROJECT["setuptools"]["packages"]["find"]["include"]}
    assert found >= _PACKAGES - {"benchmarks"}


def test_one_module_alone_writes_what_is_taken() -> None:
    sources = [path for folder in _PACKAGES - {"demo", "benchmarks"} for path in (_ROOT / folder).rglob("*.py")]
    writers = {
        str(path.relative_to(_ROOT))
        for path in sources
        if re.search(r"\bSET\s+taken\b|,\s*taken\s*=\s", path.read_text(encoding="utf-8"))
    }
    assert writers == {"domain/stock.py"}
