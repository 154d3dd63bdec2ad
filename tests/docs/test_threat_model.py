"""docs/threat-model.md: each threat names the tests of its answer, and they are there."""

import ast
import re
from typing import Final

import pytest

from tests.support.pages import ROOT

PAGE: Final = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| (?!threat |---)(.+?) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
FILE_WITH_TESTS: Final = re.compile(r"`(tests/[\w/]+\.py)`: (`test_\w+`(?:, `test_\w+`)*)")


@pytest.mark.parametrize(("threat", "tests"), ROWS, ids=[threat for threat, _ in ROWS])
def test_names_existing_tests_of_each_threat(threat: str, tests: str) -> None:
    named = FILE_WITH_TESTS.findall(tests)
    assert "; ".join(f"`{file}`: {functions}" for file, functions in named) == tests, threat
    for file, functions in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert set(re.findall(r"\w+", functions)) <= defined, file
