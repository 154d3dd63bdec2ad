# ruff: noqa: INP001 - a script, which `make docs` runs as `python docs/generator`
"""Writes the pages of docs/ that are generated from the code, or lists those that are out of date."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from configuration import configuration
from data_model import data_model
from error_catalogue import error_catalogue

DOCS: Final = Path(__file__).parent.parent
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "configuration.md": configuration,
    "data-model.md": data_model,
    "errors.md": error_catalogue,
}


def main() -> None:
    """Write the pages; with --check only compare them, and end with status 1 where one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is out of date")
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS, help="where the pages are")
    arguments = parser.parse_args()
    pages = {arguments.folder / name: page() for name, page in PAGES.items()}
    if arguments.check:
        sys.exit(report(pages))
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


def report(pages: Mapping[Path, str]) -> int:
    """Print how the pages differ from what they should be; return the status to end with."""
    differences = [line for path, text in pages.items() for line in difference(path, text)]
    sys.stdout.writelines(differences)
    if differences:
        sys.stdout.write("docs/ is out of date. Run: make docs\n")
    return 1 if differences else 0


def difference(path: Path, wanted: str) -> list[str]:
    """Return the lines that differ, as diff prints them."""
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    name = f"docs/{path.name}"
    lines, right = found.splitlines(keepends=True), wanted.splitlines(keepends=True)
    return list(difflib.unified_diff(lines, right, name, f"{name}, as it should be"))


if __name__ == "__main__":
    main()
