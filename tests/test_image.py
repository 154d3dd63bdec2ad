"""The image has everything that the server runs."""

import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def test_image_gets_every_package_and_what_its_build_needs() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {name.removesuffix("*") for name in packages} <= taken
    assert {"Makefile", "*.lock", "*.py", "pyproject.toml", "package-lock.json", ".npmrc"} <= taken
