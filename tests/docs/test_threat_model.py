"""docs/threat-model.md: each threat names the tests of its answer, and they are there."""

import re
from typing import Final

import pytest

from tests.support.pages import ROOT

PAGE: Final = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| (?!threat |---)(.+?) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("threat", "tests"), ROWS, ids=[threat for threat, _ in ROWS])
def test_names_tests_of_each_threat(threat: str, tests: str) -> None:
    files = re.findall(r"`(tests/[\w/]+\.py)`", tests)
    assert files, threat
    for file in files:
        assert "def test_" in (ROOT / file).read_text(encoding="utf-8"), file
