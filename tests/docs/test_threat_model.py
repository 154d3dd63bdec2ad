"""docs/threat-model.md and docs/faults-found.md: each row names the tests of its answer, and they are there."""

import ast
import re
from typing import Final

import pytest

from tests.support.pages import ROOT

PAGES: Final = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("threat-model.md", "faults-found.md")]
ROW: Final = re.compile(r"^\| (?!threat |fault |---)(.+?) \| .+ \| (.+) \|$", re.MULTILINE)
ROWS: Final = [row for page in PAGES for row in ROW.findall(page)]
FILE_WITH_TESTS: Final = re.compile(r"`(tests/[\w/]+\.py)`: (`test_\w+`(?:, `test_\w+`)*)")


@pytest.mark.parametrize(("about", "tests"), ROWS, ids=[about for about, _ in ROWS])
def test_names_existing_tests_of_each_threat_and_fault(about: str, tests: str) -> None:
    named = FILE_WITH_TESTS.findall(tests)
    assert "; ".join(f"`{file}`: {functions}" for file, functions in named) == tests, about
    for file, functions in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert set(re.findall(r"\w+", functions)) <= defined, file
