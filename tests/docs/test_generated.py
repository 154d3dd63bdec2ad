"""The committed generated pages match the code."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = ("configuration.md", "data-model.md", "errors.md")


def _check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "docs/generator", "--check", str(folder)]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own script


def test_committed_pages_match_generated_pages() -> None:
    done = _check(_ROOT / "docs")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", _PAGES)
def test_reports_edited_page(page: str, tmp_path: Path) -> None:
    for name in _PAGES:
        shutil.copy(_ROOT / "docs" / name, tmp_path)
    (tmp_path / page).write_text((tmp_path / page).read_text() + "One line more.\n")
    done = _check(tmp_path)
    assert done.returncode == 1
    assert f"docs/{page}" in done.stdout
    assert "-One line more." in done.stdout


def test_reports_missing_page(tmp_path: Path) -> None:
    assert _check(tmp_path).returncode == 1
